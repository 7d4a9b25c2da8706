#include "plexus/layers/dense.h"

#include <algorithm>
#include <cmath>

#include "layers/network.h"

namespace plexus {
namespace {

using namespace plexus::testing;

TEST(Dense, EveryLayerHasItsOwnParametersOfItsShape) {
  Sequential net(Dense(4), Dense(4), Dense(2, {.bias = false}));
  net.build({3}, 5);
  EXPECT_EQ(net.store().entry("0.weight").shape, (Shape{3, 4}));
  EXPECT_EQ(net.store().entry("1.weight").shape, (Shape{4, 4}));
  EXPECT_EQ(net.store().entry("1.bias").shape, Shape{4});
  EXPECT_FALSE(net.store().contains("2.bias"));
  EXPECT_EQ(net.store().entries().size(), 5u);
  EXPECT_EQ(net.parameter_count(), 3 * 4 + 4 + 4 * 4 + 4 + 4 * 2);
}

TEST(Dense, ForwardIsTheWeightedSumOnEveryBackend) {
  on_every_backend([](const Context& context) {
    for (const bool bias : {true, false}) {
      Sequential net{Dense(5, {.bias_initializer = Uniform{-1, 1}, .bias = bias})};
      net.build({7}, 3);
      const std::vector<double> w = values(net.store(), "0.weight");
      const std::vector<double> b = bias ? values(net.store(), "0.bias") : std::vector<double>(5);
      std::vector<double> x(3 * 7);
      randomize(std::span(x), 9);
      const std::vector<double> y = predict(net, context, x);
      for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 5; j++) {
          double sum = b[j];
          for (size_t k = 0; k < 7; k++) sum += x[i * 7 + k] * w[k * 5 + j];
          EXPECT_NEAR(y[i * 5 + j], sum, 1e-6) << i << " " << j;
        }
    }
  });
}

// Not N(0, 1): that would saturate every unit of a wide layer.
TEST(Dense, FirstWeightsAreScaledToTheFanAndBiasesAreZero) {
  for (const int64_t in : {10, 1000}) {
    Sequential net{Dense(200)};
    net.build({in}, 1);
    double squares = 0, largest = 0;
    const auto w = values(net.store(), "0.weight");
    for (const double v : w) squares += v * v, largest = std::max(largest, std::abs(v));
    const double variance = 2.0 / double(in + 200);
    EXPECT_NEAR(squares / double(w.size()) / variance, 1, 0.05) << in;
    EXPECT_LE(largest, std::sqrt(3 * variance) * (1 + 1e-6)) << in;
    for (const double v : values(net.store(), "0.bias")) EXPECT_EQ(v, 0);
  }
}

TEST(Dense, FirstValuesFollowSeedAndLayerAlone) {
  Sequential a(Dense(4), Dense(4)), b(Dense(4), Dense(4)), c(Dense(4), Dense(4));
  a.build({4}, 1);
  b.build({4}, 1);
  c.build({4}, 2);
  EXPECT_EQ(values(a.store(), "0.weight"), values(b.store(), "0.weight"));
  EXPECT_NE(values(a.store(), "0.weight"), values(c.store(), "0.weight"));
  EXPECT_NE(values(a.store(), "0.weight"), values(a.store(), "1.weight"));
}

TEST(Dense, InitializersAreThoseOfTheOptions) {
  Sequential net{Dense(3, {.initializer = Constant{0.25}, .bias_initializer = Constant{-2}})};
  net.build({2});
  EXPECT_EQ(values(net.store(), "0.weight"), std::vector<double>(6, 0.25));
  EXPECT_EQ(values(net.store(), "0.bias"), std::vector<double>(3, -2));
}

TEST(Dense, RefusesWhatItCannotTake) {
  EXPECT_EQ(message<ArgumentError>([] { Dense(0); }), "Dense(0): needs 1 unit or more");
  EXPECT_EQ(Dense(3, {.bias = false}).name(), "Dense(3, no bias)");
  EXPECT_EQ(message<ShapeError>([] {
              Dense(10).output_shape({28, 28});
            }),
            "Dense(10): expects rows of rank 1, got [28, 28]: put Flatten() before it");
}

}  // namespace
}  // namespace plexus

#include "plexus/layers/initializer.h"

#include <algorithm>
#include <cmath>

#include "layers/network.h"

namespace plexus {
namespace {

using namespace plexus::testing;

struct Moments {
  double mean = 0, deviation = 0, kurtosis = 0, largest = 0;  // largest: of |value - mean|
};

Moments moments(std::span<const double> values) {
  Moments m;
  const double n = double(values.size());
  for (const double v : values) m.mean += v / n;
  double square = 0, fourth = 0;
  for (const double v : values) {
    const double d = v - m.mean;
    square += d * d / n;
    fourth += d * d * d * d / n;
    m.largest = std::max(m.largest, std::abs(d));
  }
  m.deviation = std::sqrt(square);
  m.kurtosis = fourth / (square * square);
  return m;
}

Tensor filled(const Initializer& initializer, int64_t in, int64_t out, uint64_t seed = 1, uint32_t layer = 0,
              uint32_t which = 0, DType dtype = DType::f64) {
  Tensor tensor(dtype, {in, out});
  fill(tensor, initializer, in, out, seed, layer, which);
  return tensor;
}

TEST(Initializer, DeviationFollowsTheFans) {
  struct Expected {
    const char* name;
    Initializer initializer;
    bool normal;
    double (*variance)(double in, double out);
  };
  const Expected all[] = {
      {"he normal", HeNormal{}, true, [](double in, double) { return 2 / in; }},
      {"he uniform", HeUniform{}, false, [](double in, double) { return 2 / in; }},
      {"glorot normal", GlorotNormal{}, true, [](double in, double out) { return 2 / (in + out); }},
      {"glorot uniform", GlorotUniform{}, false, [](double in, double out) { return 2 / (in + out); }},
      {"lecun normal", LecunNormal{}, true, [](double in, double) { return 1 / in; }},
      {"lecun uniform", LecunUniform{}, false, [](double in, double) { return 1 / in; }},
      {"uniform", Uniform{}, false, [](double, double) { return 0.1 * 0.1 / 12; }},
      {"normal", Normal{}, true, [](double, double) { return 0.05 * 0.05; }},
  };
  for (const auto& [in, out] : {std::pair<int64_t, int64_t>{100, 500}, {500, 100}, {20, 2500}})
    for (const Expected& e : all) {
      SCOPED_TRACE(std::string(e.name) + " " + std::to_string(in) + " " + std::to_string(out));
      const Tensor tensor = filled(e.initializer, in, out);
      const Moments m = moments(tensor.values<double>());
      const double deviation = std::sqrt(e.variance(double(in), double(out)));
      const double n = double(tensor.elements());
      EXPECT_NEAR(m.mean / deviation, 0, 5 / std::sqrt(n));
      EXPECT_NEAR(m.deviation / deviation, 1, 5 / std::sqrt(2 * n));
      EXPECT_NEAR(m.kurtosis, e.normal ? 3 : 1.8, 0.15);
      if (e.normal)
        EXPECT_GT(m.largest, 3.5 * deviation);
      else
        EXPECT_NEAR(m.largest / (std::sqrt(3.0) * deviation), 1, 0.02);
    }
}

TEST(Initializer, UniformNormalAndConstantKeepTheirNumbers) {
  const Tensor uniform = filled(Uniform{2, 3}, 100, 100);
  for (const double v : uniform.values<double>()) {
    EXPECT_GT(v, 2);
    EXPECT_LT(v, 3);
  }
  EXPECT_NEAR(moments(uniform.values<double>()).mean, 2.5, 0.02);
  EXPECT_NEAR(moments(filled(Normal{-7, 0.5}, 100, 100).values<double>()).mean, -7, 0.03);
  const auto expect_all = [](const Tensor& weights, double expected) {
    for (const double v : weights.values<double>()) EXPECT_EQ(v, expected);
  };
  expect_all(filled(Zeros{}, 3, 3), 0);
  expect_all(filled(Constant{1.5}, 3, 3), 1.5);
  expect_all(filled(Uniform{4, 4}, 3, 3), 4);
}

TEST(Initializer, IsAFunctionOfSeedLayerAndParameter) {
  for (const Initializer& initializer : {Initializer(GlorotUniform{}), Initializer(HeNormal{})}) {
    const Tensor first = filled(initializer, 30, 20, 1, 2, 0);
    EXPECT_TRUE(first == filled(initializer, 30, 20, 1, 2, 0));
    EXPECT_FALSE(first == filled(initializer, 30, 20, 2, 2, 0));
    EXPECT_FALSE(first == filled(initializer, 30, 20, 1, 3, 0));
    EXPECT_FALSE(first == filled(initializer, 30, 20, 1, 2, 1));
    // Single precision is the double rounded once.
    EXPECT_TRUE(first.converted(DType::f32) == filled(initializer, 30, 20, 1, 2, 0, DType::f32));
  }
}

TEST(Initializer, RefusesWhatIsNoDistribution) {
  EXPECT_EQ(message<ArgumentError>([] {
              filled(Uniform{1, -1}, 2, 2);
            }),
            "initializer: bounds and deviations must be finite, and low not above high");
  EXPECT_THROW(filled(Normal{0, -1}, 2, 2), ArgumentError);
  EXPECT_THROW(filled(Constant{NAN}, 2, 2), ArgumentError);
  Tensor empty(DType::f32, {0, 2});
  EXPECT_EQ(message<ArgumentError>([&] { fill(empty, HeNormal{}, 0, 2, 0, 0, 0); }),
            "initializer: fans 0 and 2: both must be 1 or more");
}

}  // namespace
}  // namespace plexus

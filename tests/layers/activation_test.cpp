#include "plexus/layers/activation.h"

#include <algorithm>
#include <cmath>

#include "layers/network.h"

namespace plexus {
namespace {

using namespace plexus::testing;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

struct Formula {
  ActivationLayer layer;
  std::string name;
  double (*value)(double);
};

std::vector<Formula> formulas() {
  return {
      {Relu(), "Relu()", [](double x) { return std::max(x, 0.0); }},
      {LeakyRelu(), "LeakyRelu(0.01)", [](double x) { return x < 0 ? 0.01 * x : x; }},
      {LeakyRelu(0.3), "LeakyRelu(0.3)", [](double x) { return x < 0 ? 0.3 * x : x; }},
      {Elu(), "Elu(1)", [](double x) { return x < 0 ? std::exp(x) - 1 : x; }},
      {Elu(2), "Elu(2)", [](double x) { return x < 0 ? 2 * (std::exp(x) - 1) : x; }},
      {Selu(), "Selu()",
       [](double x) { return 1.0507009873554805 * (x < 0 ? 1.6732632423543772 * (std::exp(x) - 1) : x); }},
      {Gelu(), "Gelu()", [](double x) { return x / 2 * (1 + std::erf(x / std::sqrt(2.0))); }},
      {Gelu({.tanh = true}), "Gelu(tanh)",
       [](double x) {
         return x / 2 * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x)));
       }},
      {Silu(), "Silu()", [](double x) { return x * sigmoid(x); }},
      {Sigmoid(), "Sigmoid()", sigmoid},
      {Tanh(), "Tanh()", [](double x) { return std::tanh(x); }},
      {Softplus(), "Softplus()", [](double x) { return std::log(1 + std::exp(x)); }},
  };
}

TEST(Activation, LayersHaveTheirNamesAndCloneThemselves) {
  for (const Formula& f : formulas()) {
    EXPECT_EQ(f.layer.name(), f.name);
    EXPECT_EQ(f.layer.clone()->name(), f.name);
  }
  EXPECT_EQ(Softmax().name(), "Softmax()");
  EXPECT_EQ(LogSoftmax().name(), "LogSoftmax()");
}

TEST(Activation, ForwardIsTheFormulaOnEveryBackend) {
  on_every_backend([](const Context& context) {
    for (const Formula& f : formulas()) {
      Sequential net(f.layer);
      net.build({2, 5});
      std::vector<double> x(30);
      for (size_t i = 0; i < x.size(); i++) x[i] = double(i) / 4 - 3.5;
      const std::vector<double> y = predict(net, context, x);
      for (size_t i = 0; i < x.size(); i++)
        EXPECT_NEAR(y[i], f.value(x[i]), 4e-7 * (1 + std::abs(x[i]))) << f.name << " of " << x[i];
    }
  });
}

TEST(Activation, SoftmaxAndItsLogarithmGoOverRows) {
  on_every_backend([](const Context& context) {
    const std::vector<double> x{1, 2, 3, -1, 0, 100};
    for (const bool logarithm : {false, true}) {
      Sequential net = logarithm ? Sequential(LogSoftmax()) : Sequential(Softmax());
      net.build({3});
      const std::vector<double> y = predict(net, context, x);
      for (size_t row = 0; row < 2; row++) {
        const double* const z = &x[row * 3];
        const double largest = std::max({z[0], z[1], z[2]});
        double sum = 0;
        for (size_t j = 0; j < 3; j++) sum += std::exp(z[j] - largest);
        for (size_t j = 0; j < 3; j++) {
          const double log = z[j] - largest - std::log(sum);
          EXPECT_NEAR(y[row * 3 + j], logarithm ? log : std::exp(log), 1e-6 * (1 + std::abs(log)));
        }
      }
    }
  });
}

TEST(Activation, RefusesAlphaOutOfRangeAndSoftmaxOfMatrices) {
  EXPECT_EQ(message<ArgumentError>([] { LeakyRelu(1.5); }), "LeakyRelu(1.5): alpha must lie in [0, 1]");
  EXPECT_EQ(message<ArgumentError>([] { LeakyRelu(NAN); }), "LeakyRelu(nan): alpha must lie in [0, 1]");
  EXPECT_EQ(message<ArgumentError>([] { Elu(0); }), "Elu(0): alpha must be above 0");
  EXPECT_EQ(message<ShapeError>([] {
              Sequential(Softmax()).build({2, 3});
            }),
            "0 Softmax(): expects rows of rank 1, got [2, 3]: put Flatten() before it");
}

}  // namespace
}  // namespace plexus

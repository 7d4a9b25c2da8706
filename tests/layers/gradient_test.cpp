// Every layer and loss by central differences, in double, through whole networks.
#include <algorithm>
#include <cmath>

#include "layers/network.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/dropout.h"
#include "plexus/layers/flatten.h"
#include "plexus/layers/minmax.h"
#include "plexus/layers/standardize.h"

namespace plexus {
namespace {

using namespace plexus::testing;

constexpr int64_t rows = 3;
constexpr double epsilon = 1e-6, absolute = 1e-5, relative = 1e-3;

struct Case {
  std::string name;
  std::function<Sequential()> make;
  Shape input{7};
  Loss loss = SoftmaxCrossEntropy{};
  bool labels = true;
  bool loss_scale = false;
};

void fill_target(Plan& plan, const Case& c, int64_t columns) {
  if (c.labels) {
    for (int64_t i = 0; i < rows; i++) plan.data<int32_t>("target")[i] = int32_t((i * 2) % columns);
    return;
  }
  const std::span<double> target(plan.data<double>("target"), size_t(rows * columns));
  randomize(target, 3);
  if (std::holds_alternative<BinaryCrossEntropy>(c.loss))
    for (double& value : target) value = (value + 1) / 2;
  if (std::holds_alternative<SoftmaxCrossEntropy>(c.loss))
    for (int64_t i = 0; i < rows; i++)  // most of the weight on one class, the rest on the next
      for (int64_t j = 0; j < columns; j++)
        target[size_t(i * columns + j)] = j == i % columns ? 0.8 : j == (i + 1) % columns ? 0.2 : 0.0;
}

/// Compares a gradient with the differences of `loss` when the values that it belongs to are moved.
template <class F>
void expect_gradient(const std::string& name, std::span<double> values, const std::vector<double>& gradient,
                     const F& loss) {
  ASSERT_EQ(values.size(), gradient.size()) << name;
  double largest = 0;
  for (size_t i = 0; i < values.size(); i++) {
    const double value = values[i];
    values[i] = value + epsilon;
    const double above = loss();
    values[i] = value - epsilon;
    const double below = loss();
    values[i] = value;
    const double expected = (above - below) / (2 * epsilon);
    EXPECT_NEAR(gradient[i], expected, absolute + relative * std::abs(expected)) << name << " element " << i;
    largest = std::max(largest, std::abs(gradient[i]));
  }
  EXPECT_GT(largest, 1e-4) << name << ": a gradient of zeros tests nothing";
}

class Gradient : public ::testing::TestWithParam<Case> {};

TEST_P(Gradient, AgreesWithCentralDifferences) {
  const Case& c = GetParam();
  Sequential net = c.make();
  net.build(c.input, 11, DType::f64);
  for (size_t i = 0; i < net.size(); i++)  // biases other than zero
    if (net.store().contains(net.prefix(i) + ".bias")) {
      Tensor bias = net.store().get(net.prefix(i) + ".bias");
      randomize(bias.values<double>(), i);
      net.store().set(net.prefix(i) + ".bias", bias);
    }
  if (net.has_preprocessing())
    net.fit_preprocessing({9, c.input, [](int64_t row, std::span<double> out) {
                             randomize(out, uint64_t(100 + row));
                             for (double& value : out) value = 3 * value + 2;
                           }});
  LoweringOptions options{.part = Part::backward, .batch = rows, .dtype = DType::f64};
  options.loss = c.loss;
  options.labels = c.labels;
  options.loss_scale = c.loss_scale;
  options.input_gradient = true;
  Plan plan = Plan::build(reference_context(), net.store(), net.lower(options));
  const std::span<double> x(plan.data<double>("x"), size_t(rows * c.input.elements()));
  randomize(x, 1);
  fill_target(plan, c, net.output_shape().elements());
  if (c.loss_scale) net.store().scalar<double>("loss_scale") = 0.37;
  const auto loss = [&] {
    plan.run(rows);
    return net.store().scalar<double>("loss");
  };

  ASSERT_TRUE(std::isfinite(loss()));
  std::map<std::string, std::vector<double>> gradients;
  for (const auto& [name, entry] : net.store().entries())
    if (entry.role == Role::parameter) gradients[name] = values(net.store(), name + ".gradient");
  const double* const dx = plan.data<double>("x.gradient");
  const std::vector<double> input_gradient(dx, dx + x.size());

  EXPECT_FALSE(gradients.empty());
  for (const auto& [name, gradient] : gradients) {
    auto* data = static_cast<double*>(net.store().data(name));
    expect_gradient(name, {data, gradient.size()}, gradient, loss);
  }
  expect_gradient("x", x, input_gradient, loss);
}

template <class L>
Case with_activation(const std::string& name, L layer) {
  return {.name = name, .make = [layer] { return Sequential(Dense(5), layer, Dense(3)); }};
}
Case with_loss(const std::string& name, Loss loss, bool labels = false) {
  return {.name = name,
          .make = [] { return Sequential(Dense(5), Tanh(), Dense(3)); },
          .loss = loss,
          .labels = labels};
}
Case of(const std::string& name, std::function<Sequential()> make, Shape input = {7}) {
  return {.name = name, .make = std::move(make), .input = input};
}

std::vector<Case> cases() {
  std::vector<Case> all{
      with_activation("relu", Relu()),
      with_activation("leaky_relu", LeakyRelu(0.2)),
      with_activation("elu", Elu(1.5)),
      with_activation("selu", Selu()),
      with_activation("gelu", Gelu()),
      with_activation("gelu_tanh", Gelu({.tanh = true})),
      with_activation("silu", Silu()),
      with_activation("sigmoid", Sigmoid()),
      with_activation("tanh", Tanh()),
      with_activation("softplus", Softplus()),
      with_activation("softmax", Softmax()),
      with_activation("log_softmax", LogSoftmax()),
      with_activation("dropout", Dropout(0.4)),
      with_loss("softmax_cross_entropy", SoftmaxCrossEntropy{}, true),
      with_loss("softmax_cross_entropy_one_hot", SoftmaxCrossEntropy{}),
      with_loss("binary_cross_entropy", BinaryCrossEntropy{}),
      with_loss("mse", Mse{}),
      with_loss("mae", Mae{}),
      with_loss("huber", Huber{.delta = 0.7}),
      of("dense", [] { return Sequential(Dense(3)); }),
      of("dense_without_bias", [] { return Sequential(Dense(5, {.bias = false}), Tanh(), Dense(3)); }),
      of("deep",
         [] { return Sequential(Dense(6), Tanh(), Dense(5), Silu(), Dense(4), Sigmoid(), Dense(3)); }),
      of("one_unit", [] { return Sequential(Dense(1), Tanh(), Dense(2)); }, {1}),
      of("activation_first", [] { return Sequential(Tanh(), Dense(3)); }),
      of("activation_last", [] { return Sequential(Dense(3), Softplus()); }),
      of("dropout_first", [] { return Sequential(Dropout(0.3), Dense(3)); }),
      of("dropout_last", [] { return Sequential(Dense(3), Dropout(0.3)); }),
      of("flatten", [] { return Sequential(Flatten(), Dense(3)); }, {2, 3}),
      of("activation_and_flatten", [] { return Sequential(Tanh(), Flatten(), Dense(3)); }, {2, 1, 3}),
      of("standardize", [] { return Sequential(Standardize(), Dense(3)); }),
      of("minmax_and_flatten",
         [] { return Sequential(Standardize(), MinMax(), Flatten(), Dense(5), Relu(), Dense(3)); }, {2, 3}),
  };
  all.push_back(with_loss("loss_scale", Mse{}));
  all.back().loss_scale = true;
  return all;
}

INSTANTIATE_TEST_SUITE_P(Layers, Gradient, ::testing::ValuesIn(cases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace plexus

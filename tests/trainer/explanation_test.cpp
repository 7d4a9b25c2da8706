#include "plexus/trainer/explanation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "plexus/backends/registry.h"
#include "plexus/core/error.h"
#include "plexus/core/plan.h"
#include "plexus/core/random.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/dropout.h"
#include "plexus/layers/one_hot.h"
#include "plexus/layers/standardize.h"
#include "plexus/trainer/trainer.h"
#include "core/message.h"

namespace plexus {
namespace {

Dataset random_rows(int64_t rows, int64_t columns, uint64_t seed) {
  const RandomStream random(seed, Purpose::user);
  std::vector<float> values(size_t(rows * columns));
  std::vector<int32_t> labels(static_cast<size_t>(rows));
  for (size_t i = 0; i < values.size(); ++i) values[i] = float(3 * random.normal(i) + double(i % 5));
  for (size_t i = 0; i < labels.size(); ++i) labels[i] = int32_t(i % 3);
  return Dataset::classification(Tensor::from(std::span<const float>(values), {rows, columns}),
                                 Tensor::from(std::span<const int32_t>(labels), {rows}), {"a", "b", "c"});
}

Sequential trained(const Dataset& data) {
  Sequential network(Standardize(), Dense(17), Relu(), Dropout(0.3), Dense(9), Tanh(), Dense(3));
  Trainer(network, {.seed = 3}).fit(data, {.epochs = 3});
  return network;
}

/// The same network in double: what float is compared with.
Sequential in_double(const Sequential& network) {
  Sequential twin(Standardize(), Dense(17), Relu(), Dropout(0.3), Dense(9), Tanh(), Dense(3));
  twin.build(network.input_shape(), 0, DType::f64);
  for (const auto& [name, entry] : twin.store().entries())
    twin.store().set(name, network.store().get(name).converted(DType::f64));
  return twin;
}

std::vector<double> outputs(Sequential& network, const std::vector<double>& row) {
  LoweringOptions lowering;
  lowering.dtype = DType::f64;
  Plan plan = Plan::build(make_context({.backend = "reference"}), network.store(), network.lower(lowering));
  std::copy(row.begin(), row.end(), plan.data<double>("x"));
  plan.run(1);
  const double* y = plan.data<double>("y");
  return {y, y + network.output_shape().elements()};
}

// Central differences of the network in double.
TEST(Explainer, GradientsAreThoseOfTheOutputs) {
  const Dataset data = random_rows(60, 7, 1);
  Sequential network = trained(data), twin = in_double(network);
  std::vector<int64_t> wanted;
  for (int64_t row = 0; row < data.size(); ++row) wanted.push_back(row % 3);
  const Tensor gradients = Explainer(network).gradients(data, wanted);
  const Tensor exact = Explainer(twin, {.backend = "reference"}).gradients(data, wanted);
  ASSERT_EQ(gradients.shape(), (Shape{60, 7}));
  ASSERT_EQ(gradients.dtype(), DType::f64);
  std::vector<double> row(7);
  for (int64_t i = 0; i < data.size(); ++i) {
    data.read_features(i, row.data());
    double largest = 0;
    for (size_t c = 0; c < 7; ++c)
      largest = std::max(largest, std::abs(exact.values<double>()[size_t(i) * 7 + c]));
    for (size_t c = 0; c < 7; ++c) {
      const double h = 1e-6;
      std::vector<double> above = row, below = row;
      above[c] += h;
      below[c] -= h;
      const double slope =
          (outputs(twin, above)[size_t(i % 3)] - outputs(twin, below)[size_t(i % 3)]) / (2 * h);
      const double found = exact.values<double>()[size_t(i) * 7 + c];
      EXPECT_NEAR(found, slope, 1e-6 * std::max(1.0, largest)) << i << ' ' << c;
      EXPECT_NEAR(gradients.values<double>()[size_t(i) * 7 + c], found, 1e-4 * largest) << i << ' ' << c;
    }
  }
}

TEST(Explainer, IntegratedGradientsAddUp) {
  const Dataset data = random_rows(40, 7, 2);
  Sequential network = trained(data), twin = in_double(network);
  const std::vector<int64_t> wanted(40, 1);
  const Attributions found = Explainer(network).integrated_gradients(data, wanted);
  const Tensor predicted = Trainer(network, {}).predict(data);
  const Tensor mean = network.store().get("input.mean").converted(DType::f64);
  const std::vector<double> at_mean =
      outputs(twin, {mean.values<double>().begin(), mean.values<double>().end()});
  ASSERT_EQ(found.residual.size(), 40u);
  for (size_t row = 0; row < 40; ++row) {
    EXPECT_NEAR(found.output[row], predicted.values<float>()[row * 3 + 1], 1e-5);
    EXPECT_NEAR(found.baseline[row], at_mean[1], 1e-5);
    EXPECT_LT(found.residual[row], 1e-3) << row;
    double sum = 0, size = std::abs(found.output[row]) + std::abs(found.baseline[row]);
    for (size_t c = 0; c < 7; ++c) {
      sum += found.values.values<double>()[row * 7 + c];
      size += std::abs(found.values.values<double>()[row * 7 + c]);
    }
    const double change = found.output[row] - found.baseline[row];
    EXPECT_NEAR(std::abs(sum - change) / std::max(std::abs(change), 1e-3 * size), found.residual[row], 1e-12);
  }

  // The same line in double; with no tolerance both cut it as fine as it pays.
  const Dataset few = data.subset({0, 1, 2, 3, 4});
  const std::vector<int64_t> of_few(5, 1);
  const Attributions fine = Explainer(network).integrated_gradients(few, of_few, 0);
  const Attributions exact = Explainer(twin, {.backend = "reference"}).integrated_gradients(few, of_few, 0);
  for (size_t row = 0; row < 5; ++row) {
    double largest = 0;
    for (size_t c = 0; c < 7; ++c)
      largest = std::max(largest, std::abs(exact.values.values<double>()[row * 7 + c]));
    for (size_t c = 0; c < 7; ++c)
      EXPECT_NEAR(fine.values.values<double>()[row * 7 + c], exact.values.values<double>()[row * 7 + c],
                  1e-4 * largest);
  }
}

// A linear network: the attribution of a column is weight * (value - baseline), and no cut is needed.
TEST(Explainer, IsExactOnALine) {
  Sequential network{Dense(2)};
  network.build(Shape{3});
  network.store().set("0.weight", Tensor::from<float>({1, -2, 0.5f, 4, 3, -1}, {3, 2}));
  const Dataset data =
      Dataset::regression(Tensor::from<float>({1, 2, 3}, {1, 3}), Tensor(DType::f32, {1, 2}));
  const std::vector<int64_t> second{1};
  EXPECT_EQ(Explainer(network).gradients(data, second), Tensor::from<double>({-2, 4, -1}, {1, 3}));
  const Attributions found = Explainer(network).integrated_gradients(data, second);
  const auto values = found.values.values<double>();
  EXPECT_NEAR(values[0], -2, 1e-6);
  EXPECT_NEAR(values[1], 8, 1e-6);
  EXPECT_NEAR(values[2], -3, 1e-6);
  EXPECT_EQ(found.output[0], 3);
  EXPECT_EQ(found.baseline[0], 0);
}

TEST(Explainer, AddsUpThePartsOfACategory) {
  using Texts = std::vector<std::string>;
  Table table;
  table.columns = {{"colour", Texts{"red", "green", "blue", "red", "green", "blue"}},
                   {"size", std::vector<double>{1, 2, 3, 4, 5, 6}},
                   {"kind", Texts{"a", "b", "a", "b", "a", "b"}}};
  table.lines = {1, 2, 3, 4, 5, 6};
  const Dataset data = Dataset::from_table(table);
  Sequential network(OneHot(), Standardize(), Dense(5), Tanh(), Dense(2));
  Trainer trainer(network, {});
  trainer.fit(data, {.epochs = 20});
  const std::vector<int64_t> wanted(6, 0);
  const Attributions found = Explainer(network).integrated_gradients(data, wanted);
  ASSERT_EQ(found.values.shape(), (Shape{6, 2}));
  for (size_t row = 0; row < 6; ++row) {
    const auto values = found.values.values<double>();
    EXPECT_NEAR(values[2 * row] + values[2 * row + 1], found.output[row] - found.baseline[row],
                1e-3 * std::abs(found.output[row] - found.baseline[row]));
  }
}

TEST(Explainer, RefusesWhatDoesNotFit) {
  const Dataset data = random_rows(6, 7, 1);
  Sequential network = trained(data);
  Explainer explainer(network);
  EXPECT_EQ(message<ArgumentError>([&] { explainer.gradients(data, std::vector<int64_t>(6, 3)); }),
            "explain: output 3: the network has 0 to 2");
  EXPECT_EQ(message<ArgumentError>([&] { explainer.gradients(data, std::vector<int64_t>(5, 0)); }),
            "explain: 5 outputs for 6 rows: give one each");
  EXPECT_EQ(
      message<ShapeError>([&] { explainer.gradients(random_rows(2, 4, 1), std::vector<int64_t>(2, 0)); }),
      "explain: rows of shape [4], the network takes [7]: give the columns it was trained on");
  Sequential bare{Dense(2)};
  EXPECT_EQ(message<ArgumentError>([&] { Explainer{bare}; }),
            "explain: the network is not built: fit or load it first");
}

}  // namespace
}  // namespace plexus

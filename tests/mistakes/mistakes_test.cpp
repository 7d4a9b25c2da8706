// The usual tutorial pipeline (a table, its last column the label; standardise; one hidden layer; train;
// accuracy) is wrong in many places in the usual tutorial code. A test for each of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "plexus/backends/registry.h"
#include "plexus/core/error.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/standardize.h"
#include "plexus/trainer/split.h"
#include "plexus/trainer/trainer.h"
#include "trainer/example_data.h"
#include "core/message.h"
#include "trainer/mlp.h"

namespace plexus {
namespace {

TrainerOptions plain(float rate = 0.1f) {
  return {.optimizer = Sgd{.learning_rate = rate}, .backend = "reference", .threads = 1};
}

double largest_difference(const Tensor& a, const Tensor& b) {
  double largest = 0;
  for (size_t i = 0; i < size_t(a.elements()); ++i)
    largest = std::max(largest, std::abs(double(a.values<float>()[i]) - double(b.values<float>()[i])));
  return largest;
}

TEST(Mistakes, LayersShareWeightsAndBiases) {
  Sequential network(Dense(4), Relu(), Dense(4), Relu(), Dense(4));
  network.build(Shape{4}, 1);
  Store& store = network.store();
  EXPECT_NE(store.get("0.weight"), store.get("2.weight"));
  EXPECT_NE(store.get("2.weight"), store.get("4.weight"));
  const Tensor second = store.get("2.weight"), third = store.get("4.bias");
  store.set("0.weight", Tensor(DType::f32, {4, 4}));
  store.set("0.bias", Tensor::from<float>({1, 2, 3, 4}, {4}));
  EXPECT_EQ(store.get("2.weight"), second);
  EXPECT_EQ(store.get("4.bias"), third);
}

TEST(Mistakes, BiasForEveryRowOrOneForAll) {
  Sequential network(Dense(3));
  network.build(Shape{2});
  EXPECT_EQ(network.store().get("0.bias").shape(), Shape{3});
  network.store().set("0.bias", Tensor::from<float>({1, 2, 3}, {3}));
  Trainer trainer(network, plain());
  for (const int64_t rows : {1, 5}) {
    const Tensor y = trainer.predict(Tensor(DType::f32, {rows, 2}));
    for (size_t i = 0; i < size_t(rows) * 3; ++i) EXPECT_EQ(y.values<float>()[i], float(1 + i % 3));
  }
}

TEST(Mistakes, ScalerFittedOnTestData) {
  const Dataset data = blobs(100, 2, 2);
  const Split parts = split(data, {.seed = 1});
  Sequential network(Standardize(), Dense(2));
  Trainer trainer(network, plain());
  trainer.fit(parts.train);
  double mean = 0;
  for (int64_t row = 0; row < parts.train.size(); ++row) {
    double x[2];
    parts.train.read_features(row, x);
    mean += x[0] / double(parts.train.size());
  }
  const Tensor learnt = network.store().get("input.mean");
  EXPECT_NEAR(learnt.values<float>()[0], mean, 1e-5);
  trainer.evaluate(parts.test);
  trainer.predict(parts.test);
  EXPECT_EQ(network.store().get("input.mean"), learnt);
}

TEST(Mistakes, LabelsAreScaledLikeFeatures) {
  Tensor table(DType::f64, {30, 3});
  for (size_t row = 0; row < 30; ++row) {
    table.values<double>()[3 * row] = double(row);
    table.values<double>()[3 * row + 1] = double(row * row);
    table.values<double>()[3 * row + 2] = double(10 + row % 3);
  }
  const Dataset data = Dataset::from_table(table);
  Sequential network(Standardize(), Dense(3));
  Trainer trainer(network, plain());
  trainer.fit(data);
  EXPECT_EQ(data.class_names(), (std::vector<std::string>{"10", "11", "12"}));
  for (int64_t row = 0; row < 30; ++row) EXPECT_EQ(data.label(row), row % 3);
  EXPECT_EQ(network.store().get("input.mean").elements(), 2) << "features only";
}

TEST(Mistakes, ConstantColumnBecomesNan) {
  Tensor features(DType::f32, {20, 2});
  Tensor labels(DType::i32, {20});
  for (size_t row = 0; row < 20; ++row) {
    features.values<float>()[2 * row] = 7;
    features.values<float>()[2 * row + 1] = float(row);
    labels.values<int32_t>()[row] = row >= 10;
  }
  const Dataset data = Dataset::classification(features, labels, {"low", "high"});
  Sequential network(Standardize(), Dense(2));
  Trainer trainer(network, plain(), make_context({.backend = "reference", .threads = 1, .sink = {}}));
  const History history = trainer.fit(data, {.epochs = 50});
  EXPECT_TRUE(std::isfinite(history.epochs.back().train_loss));
  EXPECT_EQ(trainer.evaluate(data).accuracy, 1);
  // The constant column counts for nothing: other values in it change nothing.
  const Tensor before = trainer.predict(Tensor::from<float>({7, 3}, {1, 2}));
  EXPECT_EQ(trainer.predict(Tensor::from<float>({-50, 3}, {1, 2})), before);
  EXPECT_TRUE(std::isfinite(before.values<float>()[0]));
}

TEST(Mistakes, LossOnArgmaxedOutput) {
  // The loss follows the logits, not the answer: two networks that answer alike have different losses, and a
  // slope.
  const Dataset data = Dataset::classification(Tensor::from<float>({1, 1}, {2, 1}),
                                               Tensor::from<int32_t>({0, 1}, {2}), {"a", "b"});
  Sequential network(Dense(2));
  network.build(Shape{1});
  Trainer trainer(network, plain());
  const auto loss = [&](float logit) {
    network.store().set("0.weight", Tensor::from<float>({logit, 0}, {1, 2}));
    EXPECT_EQ(trainer.predict_classes(data), Tensor::from<int32_t>({0, 0}, {2}));
    return trainer.evaluate(data).loss;
  };
  const auto by_hand = [](double z) { return 0.5 * (std::log1p(std::exp(-z)) + std::log1p(std::exp(z))); };
  EXPECT_NEAR(loss(1), by_hand(1), 1e-6);
  EXPECT_NEAR(loss(3), by_hand(3), 1e-6);
}

TEST(Mistakes, SoftmaxTwice) {
  Sequential network(Dense(2), Softmax());
  Trainer trainer(network, plain());
  EXPECT_EQ(message<DataError>([&] { trainer.fit(blobs(10, 2, 2)); }),
            "loss softmax cross entropy: takes logits, but the last layer is Softmax(): remove that layer");
}

TEST(Mistakes, GradientSkipsTheActivation) {
  // One step through ReLU, where some units are off: agrees with plain loops that respect it, not with those
  // that do not.
  const Dataset data = blobs(32, 4, 3);
  Sequential network(Dense(16), Relu(), Dense(3));
  network.build(data.feature_shape(), 1);
  Mlp right;
  right.add(network.store(), "0");
  right.add(network.store(), "2");
  const Tensor before = network.store().get("0.weight");
  Trainer(network, plain()).fit(data, {.full_batch = true, .shuffle = false});
  std::vector<int64_t> rows(32);
  std::iota(rows.begin(), rows.end(), 0);

  // The same without the activation's derivative, for comparison: dy of the hidden layer passes as it is.
  std::vector<double> wrong(64, 0.0);
  for (const int64_t row : rows) {
    std::vector<double> x(4);
    data.read_features(row, x.data());
    std::vector<double> gradient = Mlp::softmax(right.forward(x).back());
    gradient[size_t(data.label(row))] -= 1;
    for (size_t i = 0; i < 4; ++i)
      for (size_t h = 0; h < 16; ++h)
        for (size_t c = 0; c < 3; ++c)
          wrong[i * 16 + h] -= 0.1 / 32 * x[i] * gradient[c] * right.layers[1].weight[h * 3 + c];
  }
  right.train(data, rows, double(0.1f));

  const Tensor after = network.store().get("0.weight");
  double apart = 0;
  for (size_t i = 0; i < 64; ++i) {
    EXPECT_NEAR(after.values<float>()[i], right.layers[0].weight[i], 1e-6);
    apart =
        std::max(apart, std::abs(wrong[i] - (double(after.values<float>()[i]) - before.values<float>()[i])));
  }
  EXPECT_GT(apart, 1e-3);
}

TEST(Mistakes, SumOverTheBatchInsteadOfMean) {
  // Every row twice is the same mean, and so the same step; a sum would be twice as far.
  const Dataset once = blobs(8, 3, 2);
  std::vector<int64_t> twice(16);
  for (size_t i = 0; i < 16; ++i) twice[i] = int64_t(i % 8);
  const auto trained = [](const Dataset& data) {
    Sequential network(Dense(2));
    Trainer(network, plain()).fit(data, {.full_batch = true, .shuffle = false});
    return network.store().get("0.weight");
  };
  EXPECT_LT(largest_difference(trained(once), trained(once.subset(twice))), 1e-6);
}

TEST(Mistakes, StepAlongTheGradient) {
  const Dataset data = blobs(60, 3, 3);
  Sequential network(Dense(8), Tanh(), Dense(3));
  network.build(data.feature_shape());
  Trainer trainer(network, plain(0.01f));
  double before = trainer.evaluate(data).loss;
  for (int i = 0; i < 5; ++i) {
    trainer.fit(data, {.full_batch = true});
    const double after = trainer.evaluate(data).loss;
    EXPECT_LT(after, before);
    before = after;
  }
}

TEST(Mistakes, CrossEntropyOfZeroAndOne) {
  // Probabilities that are 0 and 1 in float: right answers cost nothing, wrong ones the gap of the logits.
  const Dataset data = Dataset::classification(Tensor::from<float>({1, 1}, {2, 1}),
                                               Tensor::from<int32_t>({0, 1}, {2}), {"a", "b"});
  Sequential network(Dense(2));
  network.build(Shape{1});
  network.store().set("0.weight", Tensor::from<float>({1000, -1000}, {1, 2}));
  Trainer trainer(network, plain());
  EXPECT_EQ(trainer.evaluate(data.subset({0})).loss, 0);
  EXPECT_EQ(trainer.evaluate(data.subset({1})).loss, 2000);
  trainer.fit(data, {.full_batch = true});
  const Tensor weight = network.store().get("0.weight");
  for (const float w : weight.values<float>()) EXPECT_TRUE(std::isfinite(w));

  const Dataset binary =
      Dataset::regression(Tensor::from<float>({1, 1}, {2, 1}), Tensor::from<float>({0, 1}, {2}));
  Sequential logit(Dense(1));
  logit.build(Shape{1});
  logit.store().set("0.weight", Tensor::from<float>({1000}, {1, 1}));
  Trainer other(logit, {.loss = BinaryCrossEntropy{}, .backend = "reference", .threads = 1});
  EXPECT_EQ(other.evaluate(binary.subset({0})).loss, 1000);
  EXPECT_EQ(other.evaluate(binary.subset({1})).loss, 0);
}

TEST(Mistakes, WeightsStartFromStandardNormal) {
  Sequential network(Dense(400), Relu(), Dense(400), Relu(), Dense(10));
  network.build(Shape{784});
  for (const char* name : {"0.weight", "2.weight", "4.weight"}) {
    const Tensor weight = network.store().get(name);
    double squares = 0;
    for (const float w : weight.values<float>()) squares += double(w) * w;
    const double variance = squares / double(weight.elements());
    const double fan_in = double(weight.shape()[0]), fan_out = double(weight.shape()[1]);
    // Between 1/fan and 2/fan whatever the scheme; N(0, 1) would be hundreds of times as much.
    EXPECT_GT(variance, 0.5 / std::max(fan_in, fan_out)) << name;
    EXPECT_LT(variance, 3 / std::min(fan_in, fan_out)) << name;
  }
  // Signals neither vanish nor explode on the way through.
  Trainer trainer(network, plain());
  const Dataset data = blobs(64, 784, 10);
  const Tensor logits = trainer.predict(data);
  double squares = 0;
  for (const float z : logits.values<float>()) squares += double(z) * z / 640;
  EXPECT_GT(squares, 0.01);
  EXPECT_LT(squares, 100);
}

}  // namespace
}  // namespace plexus

// Penalties, norms, smoothing and weights: who gets them, what a plan shows of them, what is refused. That
// the numbers are right is in tests/golden.
#include <gtest/gtest.h>

#include <cmath>

#include "plexus/backends/registry.h"
#include "plexus/core/error.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/trainer/class_weights.h"
#include "plexus/trainer/split.h"
#include "plexus/trainer/trainer.h"
#include "trainer/example_data.h"
#include "core/message.h"

namespace plexus {
namespace {

Context reference() { return make_context({.backend = "reference", .threads = 1, .sink = {}}); }

/// A layer of 30 outputs from 20 inputs after one step, with gradients of 0: whatever moves was moved by the
/// options.
Sequential stepped(TrainerOptions options) {
  Sequential network(Dense(30));
  network.build({20}, 1);
  network.store().set("0.bias", Tensor::from<float>(std::vector<float>(30, 0.5f), {30}));
  options.loss = Mse{};
  options.optimizer = Sgd{.learning_rate = 0.25f};
  Trainer trainer(network, options, reference());
  // Inputs of 0: targets of the bias leave nothing to learn.
  Tensor targets(DType::f32, {4, 30});
  for (float& target : targets.values<float>()) target = 0.5f;
  trainer.fit(Dataset::regression(Tensor(DType::f32, {4, 20}), targets), {.batch_size = 4});
  return network;
}

TEST(Regularization, PenaltiesReachWeightsAndNotBiases) {
  const Sequential before = stepped({}), l1 = stepped({.l1 = 0.125}), l2 = stepped({.l2 = 0.5});
  const Tensor w = before.store().get("0.weight"), by_l1 = l1.store().get("0.weight"),
               by_l2 = l2.store().get("0.weight");
  for (size_t i = 0; i < 600; ++i) {
    const float old = w.values<float>()[i];
    EXPECT_FLOAT_EQ(by_l1.values<float>()[i], old - 0.25f * std::copysign(0.125f, old));
    EXPECT_FLOAT_EQ(by_l2.values<float>()[i], old - 0.25f * old);
  }
  for (const Sequential* network : {&l1, &l2})
    EXPECT_EQ(network->store().get("0.bias"), before.store().get("0.bias"));
}

TEST(Regularization, MaxNormHoldsEveryOutput) {
  const Tensor before = stepped({}).store().get("0.weight");
  const Tensor after = stepped({.max_norm = 0.9}).store().get("0.weight");
  int shortened = 0;
  for (int64_t j = 0; j < 30; ++j) {
    double old_norm = 0, norm = 0;
    for (int64_t i = 0; i < 20; ++i) {
      const auto at = size_t(i * 30 + j);
      old_norm += std::pow(double(before.values<float>()[at]), 2);
      norm += std::pow(double(after.values<float>()[at]), 2);
    }
    shortened += std::sqrt(old_norm) > 0.9;
    EXPECT_NEAR(std::sqrt(norm), std::min(std::sqrt(old_norm), 0.9), 1e-6) << j;
  }
  EXPECT_GT(shortened, 5);
  EXPECT_LT(shortened, 25);
}

TEST(Regularization, StaysWithinTheFusedStep) {
  for (const BackendRow& row : backends())
    if (row.name == "simd" && !row.usable) GTEST_SKIP() << row.reason;
  Sequential network(Dense(64), Relu(), Dense(3));
  network.build({13});
  Trainer trainer(network, {.optimizer = Adam{}, .clip_value = 1, .l1 = 1e-4, .l2 = 1e-4, .max_norm = 2},
                  make_context({.backend = "simd", .threads = 1, .sink = {}}));
  const std::string plan = trainer.plan(32);
  EXPECT_NE(plan.find("fused 4"), std::string::npos) << plan;
  EXPECT_NE(plan.find("l1_1e-04/l2_1e-04/clip_value1"), std::string::npos) << plan;
  EXPECT_NE(plan.find("update/max_norm/f32/m13/n64/limit2/panels32"), std::string::npos) << plan;
  EXPECT_EQ(plan.find("reference"), std::string::npos) << plan;
}

TEST(Regularization, EvaluationsReportThePlainLoss) {
  const Dataset data = blobs(60, 4, 3);
  Sequential network(Dense(3));
  network.build({4}, 1);
  Trainer plain(network, {}, reference());
  Trainer other(network, {.loss = SoftmaxCrossEntropy{.label_smoothing = 0.2, .class_weights = {1, 5, 0}}},
                reference());
  const double loss = plain.evaluate(data).loss;
  EXPECT_EQ(other.evaluate(data.with_sample_weights(std::vector<float>(60, 3))).loss, loss);
  const History history = other.fit(data, {.epochs = 0, .validation = data});
  EXPECT_TRUE(history.epochs.empty());
}

TEST(Regularization, ARowOfWeightZeroTeachesNothing) {
  // The second half has wrong labels, and no weight.
  const Dataset good = blobs(100, 4, 3);
  std::vector<float> features(800), weights(200, 1);
  Tensor labels(DType::i32, {200});
  for (int64_t row = 0; row < 200; ++row) {
    good.read_features(row % 100, features.data() + row * 4);
    labels.values<int32_t>()[size_t(row)] = row < 100 ? good.label(row) : (good.label(row % 100) + 1) % 3;
    if (row >= 100) weights[size_t(row)] = 0;
  }
  const Dataset all = Dataset::classification(Tensor::from(std::span<const float>(features), {200, 4}),
                                              labels, good.class_names());
  const auto weights_after = [&](const Dataset& data) {
    Sequential network(Dense(3));
    // Twice the rate where half of the rows count: the mean divides by all of them.
    Trainer trainer(network, {.optimizer = Sgd{.learning_rate = data.size() == 100 ? 0.125f : 0.25f}},
                    reference());
    trainer.fit(data, {.epochs = 5, .full_batch = true, .shuffle = false});
    return network.store().get("0.weight");
  };
  const Tensor expected = weights_after(good), found = weights_after(all.with_sample_weights(weights));
  for (size_t i = 0; i < 12; ++i) EXPECT_NEAR(found.values<float>()[i], expected.values<float>()[i], 1e-5);
}

TEST(Regularization, SampleWeightsStayWithTheirRows) {
  Tensor features(DType::f32, {50, 1});
  std::vector<float> weights;
  for (int64_t row = 0; row < 50; ++row) {
    features.values<float>()[size_t(row)] = float(row);
    weights.push_back(float(row));
  }
  const Dataset data = Dataset::regression(features, Tensor(DType::f32, {50})).with_sample_weights(weights);
  const auto check = [](const Dataset& part) {
    ASSERT_TRUE(part.has_sample_weights());
    for (int64_t row = 0; row < part.size(); ++row) {
      float feature = -1;
      part.read_features(row, &feature);
      EXPECT_EQ(part.sample_weight(row), feature);
    }
  };
  const Split parts = split(data, {.test_fraction = 0.3, .seed = 4});
  check(parts.train);
  check(parts.test);
  check(parts.train.subset({3, 1, 1, 7}));
  check(parts.train.subset({5, 2}).with_sample_weights(
      {parts.train.sample_weight(5), parts.train.sample_weight(2)}));
  EXPECT_EQ(blobs(5, 2, 2).sample_weight(3), 1);
}

TEST(Regularization, BalancedWeightsMakeClassesCountAlike) {
  const Dataset data = Dataset::classification(
      Tensor(DType::f32, {6, 1}), Tensor::from<int32_t>({0, 0, 0, 2, 0, 2}, {6}), {"a", "b", "c"});
  EXPECT_EQ(balanced_class_weights(data), (std::vector<float>{0.5f, 0, 1}));
  EXPECT_EQ(
      message<ArgumentError>([] {
        balanced_class_weights(Dataset::regression(Tensor(DType::f32, {2, 1}), Tensor(DType::f32, {2})));
      }),
      "balanced_class_weights: the targets are real values, not classes");
}

TEST(Regularization, RefusesSettingsOutOfRange) {
  Sequential network(Dense(3));
  const auto refused = [&](const TrainerOptions& options) {
    return message<ArgumentError>([&] { Trainer(network, options, reference()); });
  };
  EXPECT_EQ(refused({.l1 = -1}), "trainer: l1 -1.000000: choose 0 (off) or more");
  EXPECT_EQ(refused({.l2 = NAN}), "trainer: l2 nan: choose 0 (off) or more");
  EXPECT_EQ(refused({.max_norm = -2}), "trainer: max_norm -2.000000: choose 0 (off) or more");
  EXPECT_EQ(refused({.clip_value = INFINITY}), "trainer: clip_value inf: choose 0 (off) or more");
  EXPECT_EQ(refused({.clip_norm = 1, .clip_value = 1}),
            "trainer: clip_norm and clip_value: choose one of them");
  EXPECT_EQ(refused({.loss = SoftmaxCrossEntropy{.label_smoothing = 1}}),
            "loss softmax cross entropy: label smoothing 1.000000: choose one in [0, 1)");
  EXPECT_EQ(refused({.loss = SoftmaxCrossEntropy{.class_weights = {1, -1}}}),
            "loss softmax cross entropy: weight -1.000000 of class 1: choose 0 or more");
  Trainer trainer(network, {.loss = SoftmaxCrossEntropy{.class_weights = {1, 2}}}, reference());
  EXPECT_EQ(message<DataError>([&] { trainer.fit(blobs(20, 4, 3)); }),
            "loss softmax cross entropy: 2 class weights for 3 classes: give one for every class");
  EXPECT_FALSE(network.built());
  const Dataset data = blobs(3, 2, 2);
  EXPECT_EQ(message<ShapeError>([&] {
              data.with_sample_weights({1, 2});
            }),
            "dataset: 2 sample weights for 3 rows: give one for every row");
  EXPECT_EQ(message<DataError>([&] {
              data.with_sample_weights({1, -2, 1});
            }),
            "dataset: row 1: sample weight -2.000000: give 0 or more");
}

}  // namespace
}  // namespace plexus

#include "plexus/trainer/target_scaling.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "plexus/core/error.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/standardize.h"
#include "plexus/trainer/trainer.h"
#include "core/message.h"

namespace plexus {
namespace {

/// Two targets far from 0 and of different size.
Dataset houses(int64_t rows) {
  std::vector<float> features, targets;
  for (int64_t i = 0; i < rows; ++i) {
    const auto a = static_cast<float>(i % 17), b = static_cast<float>(i % 5);
    features.insert(features.end(), {a, b});
    targets.insert(targets.end(), {200000 + 9000 * a - 4000 * b, -3 + 0.01f * a * b});
  }
  return Dataset::regression(Tensor::from(std::span<const float>(features), {rows, 2}),
                             Tensor::from(std::span<const float>(targets), {rows, 2}));
}

TEST(TargetScaling, StandardisesEveryColumn) {
  const Dataset data = houses(170);
  const TargetScaling scaling(data);
  const Dataset scaled = scaling.apply(data);
  for (size_t column = 0; column < 2; ++column) {
    double mean = 0, square = 0;
    for (int64_t row = 0; row < 170; ++row) {
      double target[2], raw[2];
      scaled.read_target(row, target);
      data.read_target(row, raw);
      EXPECT_NEAR(target[column] * scaling.deviations()[column] + scaling.means()[column], raw[column],
                  1e-6 * std::abs(raw[column]));
      mean += target[column] / 170;
      square += target[column] * target[column] / 170;
    }
    EXPECT_NEAR(mean, 0, 1e-6);
    EXPECT_NEAR(square, 1, 1e-5);
  }
}

// Rows of a subset keep their own targets, and the data that they came from theirs.
TEST(TargetScaling, WorksOnSubsets) {
  const Dataset data = houses(40);
  const TargetScaling scaling(data);
  const Dataset part = scaling.apply(data.subset({7, 3, 39}));
  const Dataset whole = scaling.apply(data);
  const int64_t numbers[] = {7, 3, 39};
  for (int64_t i = 0; i < 3; ++i) {
    double found[2], expected[2], features[2], original[2];
    part.read_target(i, found);
    whole.read_target(numbers[i], expected);
    EXPECT_EQ(found[0], expected[0]);
    EXPECT_EQ(found[1], expected[1]);
    part.read_features(i, features);
    data.read_features(numbers[i], original);
    EXPECT_EQ(features[0], original[0]);
  }
  double untouched[2];
  data.read_target(0, untouched);
  EXPECT_EQ(untouched[0], 200000);
}

TEST(TargetScaling, FoldedIntoTheNetworkItGivesTheirUnits) {
  const Dataset data = houses(170);
  const TargetScaling scaling(data);
  Sequential network(Standardize(), Dense(16), Tanh(), Dense(2));
  Trainer trainer(network, {.loss = Mse{}, .optimizer = Adam{.learning_rate = 0.01f}});
  trainer.fit(scaling.apply(data), {.epochs = 60});
  const Tensor before = trainer.predict(data);
  scaling.fold_into(network);
  const Tensor after = trainer.predict(data);
  for (size_t i = 0; i < 340; ++i)
    EXPECT_NEAR(after.values<float>()[i],
                before.values<float>()[i] * scaling.deviations()[i % 2] + scaling.means()[i % 2],
                1e-5 * scaling.deviations()[i % 2] + 1e-6 * std::abs(scaling.means()[i % 2]));
  EXPECT_GT(trainer.evaluate(data).r2, 0.95);
}

TEST(TargetScaling, RefusesWhatDoesNotFit) {
  const TargetScaling scaling(houses(40));
  Sequential tail(Dense(2), Tanh());
  tail.build(Shape{2});
  EXPECT_EQ(message<ArgumentError>([&] { scaling.fold_into(tail); }),
            "target scaling: the last layer of the network must be a Dense with bias, and built");
  Sequential wide{Dense(3)};
  wide.build(Shape{2});
  EXPECT_EQ(message<ShapeError>([&] { scaling.fold_into(wide); }), "target scaling: 3 outputs, 2 learnt");
  const Dataset classes =
      Dataset::classification(Tensor(DType::f32, {2, 1}), Tensor(DType::i32, {2}), {"a", "b"});
  EXPECT_EQ(message<ArgumentError>([&] { TargetScaling{classes}; }),
            "target scaling: the targets are classes: there is nothing to scale");
  const Dataset one = Dataset::regression(Tensor(DType::f32, {3, 1}), Tensor(DType::f32, {3, 1}));
  EXPECT_EQ(message<ShapeError>([&] { scaling.apply(one); }), "target scaling: 1 target columns, 2 learnt");
  EXPECT_EQ(TargetScaling(one).deviations(), std::vector<double>{1});  // constant: nothing to divide by
  EXPECT_EQ(message<ShapeError>([&] {
              one.with_targets(Tensor(DType::f32, {2, 1}));
            }),
            "dataset: with_targets: f32 [2, 1] for 3 rows: give f32 [rows, columns]");
}

}  // namespace
}  // namespace plexus

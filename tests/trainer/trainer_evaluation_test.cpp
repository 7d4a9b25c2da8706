// What a trainer says of a data set: metrics, classes, ties.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "plexus/layers/dense.h"
#include "plexus/trainer/trainer.h"
#include "trainer/example_data.h"
#include "trainer/mlp.h"

namespace plexus {
namespace {

TEST(TrainerEvaluation, ClassificationMetricsAgreeWithCounting) {
  const Dataset data = blobs(700, 3, 3);  // more than one batch of evaluation
  Sequential network(Dense(3));
  Trainer trainer(network, {.threads = 1});
  trainer.fit(data, {.epochs = 1});
  const Evaluation e = trainer.evaluate(data);

  const Tensor logits = trainer.predict(data);
  const Tensor classes = trainer.predict_classes(data);
  std::vector<int64_t> confusion(9, 0);
  int64_t correct = 0;
  double loss = 0;
  for (int64_t row = 0; row < 700; ++row) {
    const float* z = logits.values<float>().data() + row * 3;
    const auto predicted = std::max_element(z, z + 3) - z;  // the first of equals
    EXPECT_EQ(classes.values<int32_t>()[size_t(row)], predicted);
    ++confusion[size_t(data.label(row) * 3 + predicted)];
    correct += predicted == data.label(row);
    loss -= std::log(Mlp::softmax({z[0], z[1], z[2]})[size_t(data.label(row))]);
  }
  EXPECT_TRUE(e.classification);
  EXPECT_EQ(e.rows, 700);
  EXPECT_EQ(e.confusion, confusion);
  EXPECT_EQ(e.accuracy, double(correct) / 700);
  EXPECT_EQ(e.interval.low, wilson_interval(correct, 700).low);
  EXPECT_EQ(e.class_names, data.class_names());
  EXPECT_NEAR(e.loss, loss / 700, 1e-6);
  EXPECT_TRUE(std::isnan(e.rmse));
}

TEST(TrainerEvaluation, TiesGoToTheLowestClass) {
  Sequential network(Dense(3));
  network.build(Shape{2});
  network.store().set("0.weight", Tensor(DType::f32, {2, 3}));
  Trainer trainer(network, {.threads = 1});
  const Dataset data = blobs(6, 2, 3);
  EXPECT_EQ(trainer.predict_classes(data), Tensor::from<int32_t>({0, 0, 0, 0, 0, 0}, {6}));
  EXPECT_EQ(trainer.evaluate(data).confusion, (std::vector<int64_t>{2, 0, 0, 2, 0, 0, 2, 0, 0}));
}

TEST(TrainerEvaluation, RegressionMetricsAgreeWithSums) {
  const Tensor features = Tensor::from<float>({1, 2, 3, 4}, {4, 1});
  const Dataset data =
      Dataset::regression(features, Tensor::from<float>({1, 10, 2, 20, 3, 30, 5, 40}, {4, 2}));
  Sequential network(Dense(2));
  network.build(Shape{1});
  network.store().set("0.weight", Tensor::from<float>({1, 8}, {1, 2}));
  Trainer trainer(network, {.loss = Mse{}, .threads = 1});
  const Evaluation e = trainer.evaluate(data);
  // Errors: 0 0 0 -1 and -2 -4 -6 -8. Spreads: about 2.75: 3.0625 0.5625 0.0625 5.0625; about 25: 225 25 25
  // 225.
  EXPECT_FALSE(e.classification);
  EXPECT_DOUBLE_EQ(e.mae, 21.0 / 8);
  EXPECT_DOUBLE_EQ(e.rmse, std::sqrt(121.0 / 8));
  EXPECT_DOUBLE_EQ(e.r2, 1 - 121 / 508.75);
  EXPECT_NEAR(e.loss, 121.0 / 8, 1e-6);
  EXPECT_TRUE(std::isnan(e.accuracy));
  EXPECT_TRUE(e.confusion.empty());

  const Dataset constant =
      Dataset::regression(features, Tensor::from<float>({1, 1, 1, 1, 1, 1, 1, 1}, {4, 2}));
  EXPECT_TRUE(std::isnan(trainer.evaluate(constant).r2));
}

TEST(TrainerEvaluation, OneHotTargetsAreMeasuredAsClasses) {
  const Dataset data = blobs(60, 4, 3);
  Sequential numbers(Dense(3)), rows(Dense(3));
  Trainer a(numbers, {.threads = 1}), b(rows, {.threads = 1});
  a.fit(data, {.epochs = 3});
  b.fit(data.one_hot(), {.epochs = 3});
  for (const char* name : {"0.weight", "0.bias"})
    for (size_t i = 0; i < 3; ++i)
      EXPECT_NEAR(numbers.store().get(name).values<float>()[i], rows.store().get(name).values<float>()[i],
                  1e-6);
  const Evaluation of_numbers = a.evaluate(data), of_rows = a.evaluate(data.one_hot());
  EXPECT_TRUE(of_rows.classification);
  EXPECT_EQ(of_rows.accuracy, of_numbers.accuracy);
  EXPECT_EQ(of_rows.confusion, of_numbers.confusion);
  EXPECT_NEAR(of_rows.loss, of_numbers.loss, 1e-6);
}

}  // namespace
}  // namespace plexus

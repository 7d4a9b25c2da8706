#include "plexus/trainer/learning_rate_finder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "plexus/core/error.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/dropout.h"
#include "plexus/layers/standardize.h"
#include "trainer/example_data.h"
#include "core/message.h"

namespace plexus {
namespace {

Sequential searched_network() { return Sequential(Standardize(), Dense(16), Relu(), Dropout(0.1), Dense(3)); }

TrainerOptions with(const Optimizer& optimizer) { return {.optimizer = optimizer, .threads = 1, .seed = 3}; }

/// Blobs of which every fifth has the label of another: who is too sure pays for it.
Dataset noisy_blobs() {
  const Dataset clean = blobs(640, 5, 3);
  Tensor features(DType::f32, {640, 5}), labels(DType::i32, {640});
  for (int64_t row = 0; row < 640; ++row) {
    clean.read_features(row, features.values<float>().data() + 5 * row);
    labels.values<int32_t>()[size_t(row)] = (clean.label(row) + (row % 5 == 0)) % 3;
  }
  return Dataset::classification(std::move(features), std::move(labels), clean.class_names());
}

/// The loss after two epochs at this rate.
double trained(const Dataset& data, Optimizer optimizer, double rate) {
  std::visit([&](auto& o) { o.learning_rate = static_cast<float>(rate); }, optimizer);
  Sequential net = searched_network();
  Trainer trainer(net, with(optimizer));
  try {
    trainer.fit(data, {.epochs = 2, .batch_size = 16, .seed = 3});
  } catch (const DataError&) {
    return INFINITY;  // diverged
  }
  return trainer.evaluate(data).loss;
}

TEST(LearningRateFinder, ItsSuggestionTrainsBetterThanAHundredthAndAHundredTimesOfIt) {
  const Dataset data = noisy_blobs();
  for (const Optimizer& optimizer :
       {Optimizer(Sgd{}), Optimizer(Sgd{.momentum = 0.9}), Optimizer(Adam{}), Optimizer(RmsProp{})}) {
    const RangeTest test =
        find_learning_rate(searched_network(), data, with(optimizer), {.batch_size = 16, .seed = 3});
    ASSERT_FALSE(std::isnan(test.suggestion)) << to_string(optimizer);
    const double loss = trained(data, optimizer, test.suggestion);
    EXPECT_LT(loss, trained(data, optimizer, test.suggestion / 100))
        << to_string(optimizer) << ' ' << test.suggestion;
    EXPECT_LT(loss, trained(data, optimizer, test.suggestion * 100))
        << to_string(optimizer) << ' ' << test.suggestion;
    EXPECT_LE(test.suggestion, test.lowest);
  }
}

TEST(LearningRateFinder, RatesGrowByTheSameFactorAndLossesAreThoseOfATraining) {
  const Dataset data = blobs(64, 5, 3);
  const RangeTestOptions options{.from = 1e-4, .to = 1e-2, .steps = 21};
  const FitOptions fit{.batch_size = 16, .seed = 3};
  const RangeTest test = find_learning_rate(searched_network(), data, with(Sgd{.learning_rate = 0.5f}), fit, options);
  ASSERT_EQ(test.steps.size(), 21u);
  EXPECT_FALSE(test.diverged);
  for (size_t i = 0; i < 21; ++i)
    EXPECT_NEAR(test.steps[i].learning_rate, 1e-4 * std::pow(100, double(i) / 20), 1e-8);
  for (size_t i = 1; i < 20; ++i)  // 5 % of 21 steps: one on either side
    EXPECT_NEAR(test.steps[i].smoothed,
                (test.steps[i - 1].loss + test.steps[i].loss + test.steps[i + 1].loss) / 3, 1e-12);

  struct Losses : Callback {
    std::vector<double> values;
    bool on_step(const Progress& progress) override {
      values.push_back(progress.loss);
      return values.size() == 21;
    }
  } losses;
  Sequential net = searched_network();
  TrainerOptions settings = with(Sgd{.learning_rate = 1});
  settings.schedule = CustomSchedule{[](const SchedulePosition& p) {
    return 1e-4 * std::pow(100, double(p.epoch * p.steps + p.step) / 20);
  }};
  Trainer trainer(net, settings);
  FitOptions same = fit;
  same.epochs = 6;
  same.callbacks = {&losses};
  trainer.fit(data, same);
  for (size_t i = 0; i < 21; ++i) EXPECT_NEAR(test.steps[i].loss, losses.values[i], 1e-6) << i;
}

TEST(LearningRateFinder, LeavesTheNetworkAsItWas) {
  const Dataset data = blobs(64, 5, 3);
  Sequential net = searched_network();
  find_learning_rate(net, data, with(Adam{}));
  EXPECT_FALSE(net.built());
  Trainer trainer(net, with(Adam{}));
  trainer.fit(data);
  std::map<std::string, Tensor> before;
  for (const auto& [name, entry] : net.store().entries()) before.emplace(name, net.store().get(name));
  find_learning_rate(net, data, with(Adam{}));
  EXPECT_EQ(net.store().entries().size(), before.size());
  for (const auto& [name, tensor] : before) EXPECT_EQ(net.store().get(name), tensor) << name;
}

TEST(LearningRateFinder, StopsWhereItDiverges) {
  const Dataset data = line(200);
  const RangeTest test =
      find_learning_rate(Sequential(Dense(1)), data, {.loss = Mse{}, .optimizer = Sgd{}, .threads = 1},
                         {.batch_size = 16}, {.from = 1e-4, .to = 1e6, .steps = 200});
  EXPECT_TRUE(test.diverged);
  EXPECT_LT(test.steps.size(), 150u);
  // The loss is quadratic with a curvature of about 2: rates beyond 1 diverge.
  EXPECT_GT(test.suggestion, 1e-3);
  EXPECT_LT(test.suggestion, 1);
  // At once, to infinity.
  const RangeTest burst =
      find_learning_rate(Sequential(Dense(1)), data, {.loss = Mse{}, .optimizer = Sgd{}, .threads = 1},
                         {.batch_size = 16}, {.from = 1e18, .to = 1e30, .steps = 20});
  EXPECT_TRUE(burst.diverged);
  EXPECT_TRUE(std::isnan(burst.suggestion));
  EXPECT_TRUE(std::isnan(burst.lowest));
}

TEST(LearningRateFinder, ErrorsAndCallbacks) {
  const Dataset data = blobs(64, 5, 3);
  const auto error = [&](const RangeTestOptions& options) {
    return message<ArgumentError>([&] { find_learning_rate(searched_network(), data, with(Adam{}), {}, options); });
  };
  EXPECT_EQ(error({.from = 0}),
            "find_learning_rate: from 0.000000 to 10.000000: choose two positive rates, the larger one last");
  EXPECT_EQ(error({.from = 1, .to = 0.5}),
            "find_learning_rate: from 1.000000 to 0.500000: choose two positive rates, the larger one last");
  EXPECT_EQ(error({.steps = 19}), "find_learning_rate: 19 steps: choose 20 or more");
  EXPECT_NE(message<DataError>([&] { find_learning_rate(searched_network(), line(50), with(Adam{})); }).find("loss"),
            std::string::npos);

  struct Stop : Callback {
    int steps = 0;
    bool on_step(const Progress&) override { return ++steps == 7; }
  } stop;
  EXPECT_EQ(find_learning_rate(searched_network(), data, with(Adam{}), {.callbacks = {&stop}}).steps.size(), 7u);
}

}  // namespace
}  // namespace plexus

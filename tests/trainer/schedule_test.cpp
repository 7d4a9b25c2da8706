#include "plexus/trainer/schedule.h"

#include <gtest/gtest.h>

#include <cmath>

#include "plexus/core/error.h"
#include "plexus/layers/dense.h"
#include "plexus/trainer/trainer.h"
#include "trainer/example_data.h"
#include "core/message.h"

// The formulas: tests/golden/schedule_test.cpp.
namespace plexus {
namespace {

std::string refused(const Schedule& schedule) {
  return message<ArgumentError>([&] { check(schedule); });
}

TEST(Schedule, SettingsOutOfRangeAreRefused) {
  const double nan = std::nan("");
  EXPECT_EQ(refused(StepDecay{.every = 0}), "schedule step: every 0: choose 1 epoch or more");
  EXPECT_EQ(refused(StepDecay{.factor = 0}), "schedule step: factor 0: choose one above 0");
  EXPECT_EQ(refused(MultiStepDecay{.milestones = {3, 3}}),
            "schedule multistep: milestone 3: choose epochs from 1 on, ascending");
  EXPECT_EQ(refused(MultiStepDecay{.milestones = {0}}),
            "schedule multistep: milestone 0: choose epochs from 1 on, ascending");
  EXPECT_EQ(refused(MultiStepDecay{.factor = -1}), "schedule multistep: factor -1: choose one above 0");
  EXPECT_EQ(refused(ExponentialDecay{.factor = nan}), "schedule exponential: factor nan: choose one above 0");
  EXPECT_EQ(refused(CosineDecay{.epochs = -1}), "schedule cosine: epochs -1: choose 0 (all) or more");
  EXPECT_EQ(refused(CosineDecay{.minimum = 2}), "schedule cosine: minimum 2: choose one in [0, 1]");
  EXPECT_EQ(refused(CosineRestarts{.epochs = 0}), "schedule restarts: epochs 0: choose 1 or more");
  EXPECT_EQ(refused(CosineRestarts{.growth = 0}), "schedule restarts: growth 0: choose one from 1 to 1000");
  EXPECT_EQ(refused(CosineRestarts{.minimum = nan}), "schedule restarts: minimum nan: choose one in [0, 1]");
  EXPECT_EQ(refused(OneCycle{.epochs = -5}), "schedule onecycle: epochs -5: choose 0 (all) or more");
  EXPECT_EQ(refused(OneCycle{.rising = 1.5}), "schedule onecycle: rising 1.5: choose one in [0, 1]");
  EXPECT_EQ(refused(OneCycle{.initial = -1}), "schedule onecycle: initial -1: choose one in [0, 1]");
  EXPECT_EQ(refused(OneCycle{.final = 7}), "schedule onecycle: final 7: choose one in [0, 1]");
  EXPECT_EQ(refused(CustomSchedule{}), "schedule: the custom one has no function: give it one");
  Sequential network(Dense(1));
  EXPECT_EQ(message<ArgumentError>([&] { Trainer(network, {.schedule = StepDecay{.every = -2}}); }),
            "schedule step: every -2: choose 1 epoch or more");
  EXPECT_EQ(message<ArgumentError>([&] { Trainer(network, {.warmup_steps = -1}); }),
            "trainer: -1 warm-up steps: choose 0 (off) or more");
}

TEST(Schedule, CustomMustReturnAFactor) {
  Sequential network(Dense(3));
  const auto bad = [](const SchedulePosition& p) { return p.epoch == 1 && p.step == 1 ? -0.5 : 1; };
  Trainer trainer(network, {.schedule = CustomSchedule{bad}, .threads = 1});
  EXPECT_EQ(message<ArgumentError>([&] { trainer.fit(blobs(40, 2, 3), {.epochs = 3, .batch_size = 20}); }),
            "schedule: the custom one returned -0.5 for epoch 1, step 1: return 0 or more");
}

TEST(Schedule, EdgesOfTheirRanges) {
  // A training of one step.
  const SchedulePosition only{};
  for (const Schedule& schedule : {Schedule(CosineDecay{}), Schedule(CosineRestarts{}), Schedule(OneCycle{}),
                                   Schedule(OneCycle{.rising = 0}), Schedule(OneCycle{.rising = 1}),
                                   Schedule(MultiStepDecay{}), Schedule(StepDecay{})}) {
    const double first = factor(schedule, only);
    EXPECT_TRUE(first > 0 && first <= 1) << to_string(schedule) << ' ' << first;
  }
  // Long after the last cycle that anybody trains.
  const SchedulePosition late{.epoch = 1'000'000'000'000, .step = 2, .epochs = 1, .steps = 5};
  for (const int64_t growth : {1, 2, 1000}) EXPECT_LE(factor(CosineRestarts{.growth = growth}, late), 1);
  EXPECT_EQ(factor(CosineDecay{.minimum = 0.25}, late), 0.25);
  EXPECT_EQ(factor(OneCycle{.final = 0.25}, late), 0.25);
  EXPECT_EQ(warmup_factor(0, only), 1);
  EXPECT_EQ(warmup_factor(1, only), 1);
  EXPECT_EQ(warmup_factor(2, only), 0.5);
  EXPECT_EQ(warmup_factor(1000, late), 1);
}

TEST(Schedule, ChangesWithinAnEpoch) {
  EXPECT_FALSE(changes_within_epoch(ConstantRate{}));
  EXPECT_FALSE(changes_within_epoch(StepDecay{}));
  EXPECT_FALSE(changes_within_epoch(MultiStepDecay{}));
  EXPECT_FALSE(changes_within_epoch(ExponentialDecay{}));
  EXPECT_TRUE(changes_within_epoch(CosineDecay{}));
  EXPECT_TRUE(changes_within_epoch(CosineRestarts{}));
  EXPECT_TRUE(changes_within_epoch(OneCycle{}));
  EXPECT_TRUE(changes_within_epoch(CustomSchedule{}));
}

TEST(Schedule, PrintsWhatWasChosen) {
  EXPECT_EQ(to_string(Schedule(ConstantRate{})), "constant");
  EXPECT_EQ(to_string(Schedule(StepDecay{})), "step, 0.1 every 30 epochs");
  EXPECT_EQ(to_string(Schedule(MultiStepDecay{.milestones = {3, 9}})), "multistep, 0.1 at epochs 3 9");
  EXPECT_EQ(to_string(Schedule(ExponentialDecay{})), "exponential, 0.95 an epoch");
  EXPECT_EQ(to_string(Schedule(CosineDecay{})), "cosine");
  EXPECT_EQ(to_string(Schedule(CosineDecay{.epochs = 9, .minimum = 0.1})),
            "cosine over 9 epochs down to 0.1");
  EXPECT_EQ(to_string(Schedule(CosineRestarts{.growth = 2})),
            "cosine with restarts, first after 10 epochs, growing by 2");
  EXPECT_EQ(to_string(Schedule(OneCycle{})), "one cycle");
  EXPECT_EQ(to_string(Schedule(CustomSchedule{})), "custom");
}

// A training in pieces has the learning rates of one at once, where the schedule knows its length.
TEST(Schedule, GoesOnWhereTheLastFitStopped) {
  struct Recorder : Callback {
    bool on_step(const Progress& p) override {
      rates.push_back(p.learning_rate);
      return false;
    }
    std::vector<double> rates;
  } whole, pieces;
  const auto train = [](Recorder& recorder, const std::vector<int64_t>& parts) {
    Sequential network(Dense(3));
    Trainer trainer(network, {.schedule = CosineDecay{.epochs = 6}, .warmup_steps = 3, .threads = 1});
    for (const int64_t epochs : parts)
      trainer.fit(blobs(40, 2, 3), {.epochs = epochs, .batch_size = 20, .callbacks = {&recorder}});
  };
  train(whole, {6});
  train(pieces, {1, 3, 2});
  EXPECT_EQ(whole.rates, pieces.rates);
  EXPECT_EQ(whole.rates.size(), 12u);
}

}  // namespace
}  // namespace plexus

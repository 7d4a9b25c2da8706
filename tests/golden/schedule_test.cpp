// The learning rates of 200 steps against PyTorch's. schedules.txt is made by make_schedules.py, which has
// the same table.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "plexus/plexus.h"

namespace plexus {
namespace {

constexpr int64_t epochs = 40, steps = 5;
constexpr float rate = 0.1f;
// float's 0.1 is 1.5e-8 too large, and what plans read is rounded to float: 6e-8.
constexpr double relative = 1e-6;

std::map<std::string, std::vector<double>> read_schedules() {
  std::ifstream file(PLEXUS_SOURCE_DIR "/tests/golden/schedules.txt");
  std::map<std::string, std::vector<double>> result;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    words >> name;
    for (double value; words >> value;) result[name].push_back(value);
  }
  return result;
}

struct Case {
  std::string name;
  Schedule schedule;
  int64_t warmup_steps = 0;
};

double falling(const SchedulePosition& p) { return 1 / (1 + double(p.epoch * p.steps + p.step) / 10); }

std::vector<Case> cases() {
  return {{"constant", ConstantRate{}},
          {"step", StepDecay{.every = 7, .factor = 0.3}},
          {"multistep", MultiStepDecay{.milestones = {3, 4, 17}, .factor = 0.5}},
          {"exponential", ExponentialDecay{.factor = 0.93}},
          {"cosine", CosineDecay{}},
          {"cosine-25-epochs", CosineDecay{.epochs = 25, .minimum = 0.02}},
          {"restarts", CosineRestarts{.epochs = 4}},
          {"restarts-growing", CosineRestarts{.epochs = 3, .growth = 2, .minimum = 0.05}},
          {"onecycle", OneCycle{}},
          {"onecycle-30-epochs", OneCycle{.epochs = 30, .rising = 0.5, .initial = 0.1, .final = 0.005}},
          {"warmup", ConstantRate{}, 20},
          {"warmup-step", StepDecay{.every = 2, .factor = 0.9}, 13},
          {"warmup-cosine", CosineDecay{}, 32},
          {"custom", CustomSchedule{falling}}};
}

/// The rates of all steps: as callbacks are told, and as the plan reads them.
struct Recorder : Callback {
  void on_train_begin(Sequential& trained, const Progress&) override { network = &trained; }
  bool on_step(const Progress& progress) override {
    told.push_back(progress.learning_rate);
    read.push_back(network->store().scalar<float>("learning_rate"));
    return false;
  }
  Sequential* network = nullptr;
  std::vector<double> told, read;
};

/// 9 rows in batches of 2: every epoch ends with a smaller one.
Dataset rows() {
  Tensor x(DType::f32, {9, 1}), y(DType::f32, {9, 1});
  for (size_t i = 0; i < 9; ++i) x.values<float>()[i] = y.values<float>()[i] = float(i) / 9;
  return Dataset::regression(x, y);
}

void expect_rates(const std::vector<double>& ours, const std::vector<double>& theirs,
                  const std::string& name) {
  ASSERT_EQ(theirs.size(), size_t(epochs * steps)) << name;
  ASSERT_EQ(ours.size(), theirs.size()) << name;
  for (size_t t = 0; t < ours.size(); ++t)
    ASSERT_NEAR(ours[t], theirs[t], relative * theirs[t]) << name << ", step " << t;
}

TEST(Schedules, AgreeWithPyTorch) {
  const auto expected = read_schedules();
  for (const Case& c : cases()) {
    Sequential network(Dense(1));
    Trainer trainer(network, {.loss = Mse{},
                              .optimizer = Sgd{.learning_rate = rate},
                              .schedule = c.schedule,
                              .warmup_steps = c.warmup_steps,
                              .threads = 1});
    Recorder recorder;
    trainer.fit(rows(), {.epochs = epochs, .batch_size = 2, .callbacks = {&recorder}});
    ASSERT_TRUE(expected.contains(c.name)) << c.name;
    expect_rates(recorder.told, expected.at(c.name), c.name);
    expect_rates(recorder.read, expected.at(c.name), c.name + ", in the store");
  }
}

TEST(Schedules, PlateauAgreesWithPyTorch) {
  const auto expected = read_schedules();
  const std::pair<const char*, ReduceOnPlateauOptions> plateaus[] = {
      {"plateau", {.factor = 0.5, .patience = 6}},
      {"plateau-cooldown",
       {.factor = 0.3, .patience = 3, .threshold = 0.02, .cooldown = 5, .minimum = 0.01}}};
  for (const auto& [name, options] : plateaus) {
    ReduceOnPlateau plateau(options);
    std::vector<double> rates;
    for (int t = 0; t < epochs * steps; ++t) {
      rates.push_back(double(rate) * plateau.learning_rate_factor());
      // Falls ever more slowly, with noise.
      plateau.on_epoch({.epoch = t + 1, .validation_loss = 1.0 / (1 + t / 9) + t * 37 % 11 / 220.0});
    }
    expect_rates(rates, expected.at(name), name);
  }
}

}  // namespace
}  // namespace plexus

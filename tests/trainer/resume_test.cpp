// What goes on from a checkpoint has the bits of what was never interrupted.
#include "plexus/trainer/checkpoint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "plexus/trainer/early_stopping.h"
#include "plexus/trainer/reduce_on_plateau.h"
#include "core/message.h"
#include "trainer/resumed_run.h"

namespace plexus {
namespace {

using namespace test;

std::vector<std::string> exact_backends() {
  std::vector<std::string> names;
  for (const BackendRow& row : backends())
    if (row.usable && row.file.empty()) names.push_back(row.name);
  return names;
}

struct Case {
  std::string name;
  TrainerOptions trainer;
  FitOptions fit;
};

std::vector<Case> cases() {
  const FitOptions plain{.epochs = 3, .batch_size = 16, .validation_fraction = 0.1, .seed = 3};
  std::vector<Case> all = {
      {"sgd", {.optimizer = Sgd{}}, plain},
      {"sgd with momentum", {.optimizer = Sgd{.momentum = 0.9, .nesterov = true}}, plain},
      {"adam", {.optimizer = Adam{}}, plain},
      {"adamw", {.optimizer = AdamW{}}, plain},
      {"rmsprop", {.optimizer = RmsProp{.momentum = 0.5}}, plain},
      {"adagrad", {.optimizer = Adagrad{}}, plain},
      {"adamax", {.optimizer = Adamax{}}, plain},
      {"nadam", {.optimizer = NAdam{}}, plain},
      {"radam", {.optimizer = RAdam{}}, plain},
      {"adadelta", {.optimizer = Adadelta{}}, plain},
      {"moving average", {.optimizer = Adam{}, .ema_decay = 0.5}, plain},
      {"clipped", {.optimizer = Adam{}, .clip_norm = 0.1}, plain},
      {"accumulated", {.optimizer = Adam{}, .accumulate = 2}, plain},
      {"cosine with warm-up", {.optimizer = Adam{}, .schedule = CosineDecay{}, .warmup_steps = 4}, plain},
      {"full batch", {.optimizer = Adam{}}, {.epochs = 5, .full_batch = true}},
      {"unshuffled", {.optimizer = Adam{}}, {.epochs = 3, .batch_size = 16, .shuffle = false}},
      {"validation set",
       {.optimizer = Adam{}},
       {.epochs = 3, .batch_size = 7, .validation = blobs(9, 4, 3, 5)}}};
  for (Case& c : all) c.trainer.seed = 11;
  return all;
}

TEST(Checkpoint, ARunThatStopsAtAnyStepGoesOnWithTheSameBits) {
  for (const std::string& backend : exact_backends())
    for (Case& c : cases()) {
      c.trainer.backend = backend;
      c.trainer.threads = 1;
      const Result whole = train(c.trainer, c.fit);
      ASSERT_EQ(whole.history.epochs.size(), size_t(c.fit.epochs));
      const int64_t steps = whole.values.at("step").values<int64_t>()[0];
      ASSERT_GE(steps, 5);
      for (int64_t stop = 1; stop <= steps; ++stop)
        EXPECT_TRUE(interrupted_run(c.trainer, c.fit, stop, 1 + int(stop % 3)) == whole)
            << backend << ", " << c.name << ", stopped after " << stop << " of " << steps << " steps";
    }
}

// Its counts are in its state, its weights in the store: both begin anew in every process.
TEST(Checkpoint, EarlyStoppingAndPlateausGoOn) {
  for (const std::string& backend : exact_backends()) {
    TrainerOptions options{.optimizer = Sgd{.learning_rate = 0.3f, .momentum = 0.9}, .backend = backend};
    FitOptions fit{.epochs = 30, .batch_size = 23, .validation_fraction = 0.1};
    const auto run = [&](const std::string& directory, int64_t steps) {
      EarlyStopping early({.patience = 3});
      ReduceOnPlateau plateau({.factor = 0.5, .patience = 0});
      StopAfter stop(steps);
      FitOptions f = fit;
      f.callbacks = {&early, &plateau, &stop};
      f.checkpoints = {.directory = directory, .resume = true};
      return train(options, f);
    };
    const Result whole = run("", 0);
    ASSERT_TRUE(whole.history.stopped);
    const int64_t steps = 2 * int64_t(whole.history.epochs.size());
    for (int64_t stop = 1; stop < steps; ++stop) {
      const Directory directory;
      run(directory.path(), stop);
      const Result resumed = run(directory.path(), 0);
      EXPECT_TRUE(resumed == whole) << backend << ", stopped after " << stop << " of " << steps << " steps";
    }
  }
}

// 1, 2 and 3 threads, a step each, over and over.
TEST(Checkpoint, AnyNumberOfInterruptionsAndThreads) {
  for (const std::string& backend : exact_backends()) {
    TrainerOptions options{.optimizer = Adam{}, .backend = backend, .threads = 2, .seed = 4};
    FitOptions fit{.epochs = 4, .batch_size = 10, .validation_fraction = 0.1};
    const Result whole = train(options, fit);
    const Directory directory;
    fit.checkpoints = {.directory = directory.path(), .resume = true};
    Result last;
    for (int64_t step = 0; step < 100; ++step) {
      StopAfter stop(1);
      fit.callbacks = {&stop};
      options.threads = 1 + int(step % 3);
      last = train(options, fit);
      if (stop.left == 1) break;  // there was nothing left to do
    }
    EXPECT_TRUE(last == whole) << backend;
    EXPECT_FALSE(last.history.stopped);
  }
}

TEST(Checkpoint, AtIntervalsOfStepsAndEpochs) {
  const Directory directory;
  FitOptions fit{.epochs = 2, .batch_size = 10};
  fit.checkpoints = {.directory = directory.path("steps"), .steps = 3, .keep = 100};
  const auto names = [&](const char* folder) {
    std::vector<std::string> result;
    for (const auto& entry : std::filesystem::directory_iterator(directory.path(folder)))
      result.push_back(entry.path().filename());
    std::sort(result.begin(), result.end());
    return result;
  };
  const Result run = train({}, fit);
  EXPECT_EQ(names("steps"),
            (std::vector<std::string>{"step-000000000003.checkpoint", "step-000000000006.checkpoint",
                                      "step-000000000009.checkpoint", "step-000000000010.checkpoint"}));
  fit.checkpoints = {.directory = directory.path("epochs/below"), .epochs = 1, .keep = 100};
  train({}, fit);
  EXPECT_EQ(names("epochs/below"),
            (std::vector<std::string>{"step-000000000005.checkpoint", "step-000000000010.checkpoint"}));
  // Nothing takes so long that one would be due before the end.
  fit.checkpoints = {.directory = directory.path("end")};
  EXPECT_TRUE(train({}, fit) == run);
  EXPECT_EQ(names("end"), std::vector<std::string>{"step-000000000010.checkpoint"});
  // The last ones stay.
  fit.checkpoints = {.directory = directory.path("kept"), .steps = 1, .keep = 2};
  train({}, fit);
  EXPECT_EQ(names("kept"),
            (std::vector<std::string>{"step-000000000009.checkpoint", "step-000000000010.checkpoint"}));
}

TEST(Checkpoint, SaysWhereTheRunStands) {
  const Directory directory;
  StopAfter stop(8);
  FitOptions fit{.epochs = 3, .batch_size = 10, .callbacks = {&stop}};
  fit.checkpoints.directory = directory.path();
  const Result run = train({.optimizer = Adam{.learning_rate = 0.25f}, .threads = 2}, fit);
  const Checkpoint c = load_checkpoint(directory.path("step-000000000008.checkpoint"));
  EXPECT_EQ(c.epoch, 2);
  EXPECT_EQ(c.step, 3);
  EXPECT_EQ(c.rows, 30);
  EXPECT_EQ(c.first_epoch, 0);
  EXPECT_FALSE(c.whole);
  EXPECT_EQ(c.threads, 2);
  EXPECT_EQ(c.learning_rate, 0.25);
  EXPECT_EQ(c.backend, make_context().chosen().name());
  ASSERT_EQ(c.history.epochs.size(), 1u);
  EXPECT_EQ(c.history.epochs[0].train_loss, run.history.epochs[0].train_loss);
  EXPECT_TRUE(std::isnan(c.history.epochs[0].validation_loss));
  EXPECT_DOUBLE_EQ(c.loss_sum / 30, run.history.epochs[1].train_loss);
  ASSERT_EQ(c.entries.size(), run.values.size());
  for (const auto& [name, role, tensor] : c.entries) EXPECT_EQ(tensor, run.values.at(name)) << name;
}

TEST(Checkpoint, WhatDiffersIsNamed) {
  const Directory directory;
  FitOptions fit;
  ten_steps(directory, fit);
  const std::string prefix = directory.path("step-000000000010.checkpoint") + ": resume: ";
  const std::string suffix = ": give what the run began with";
  const auto refusal = [&](const TrainerOptions& options, const FitOptions& other) {
    const std::string text = message<ArgumentError>([&] { train(options, other); });
    EXPECT_TRUE(text.starts_with(prefix) && text.ends_with(suffix)) << text;
    return text.substr(prefix.size(), text.size() - prefix.size() - suffix.size());
  };
  FitOptions other = fit;
  other.batch_size = 25;
  EXPECT_EQ(refusal({}, other), "batch_size was 10 and is 25 now");
  other = fit;
  other.seed = 1;
  EXPECT_EQ(refusal({}, other), "shuffle_seed was 0 and is 1 now");
  other = fit;
  other.shuffle = false;
  EXPECT_EQ(refusal({}, other), "shuffle was true and is false now");
  EXPECT_EQ(refusal({.optimizer = Sgd{.learning_rate = 0.5f}}, fit),
            "optimizer was \"sgd, learning rate 0.01\" and is \"sgd, learning rate 0.5\" now");
  EXPECT_EQ(refusal({.schedule = CosineDecay{}}, fit), "schedule[0] was \"constant\" and is \"cosine\" now");
  EXPECT_EQ(refusal({.warmup_steps = 3}, fit), "warmup_steps was 0 and is 3 now");
  EXPECT_EQ(refusal({.seed = 9}, fit), "seed was 0 and is 9 now");
  EXPECT_EQ(refusal({.clip_norm = 2}, fit), "clip_norm was 0.0 and is 2.0 now");
  EXPECT_EQ(refusal({.accumulate = 2}, fit), "accumulate was 1 and is 2 now");
  // What no text but only an operation tells: seven digits of a decay.
  const Directory second;
  FitOptions fine = fit;
  fine.checkpoints = {.directory = second.path()};
  train({.optimizer = Adam{.beta1 = 0.9}}, fine);
  fine.checkpoints.resume = true;
  const std::string text =
      message<ArgumentError>([&] { train({.optimizer = Adam{.beta1 = 0.90000001}}, fine); });
  EXPECT_NE(text.find("operations["), std::string::npos) << text;
  EXPECT_NE(text.find("beta1_0.90000001"), std::string::npos) << text;

  Sequential wider(Standardize(), Dense(8), Relu(), Dropout(0.25), Dense(3));
  EXPECT_EQ(message<ArgumentError>([&] { Trainer(wider, {}).fit(blobs(50, 4, 3), fit); }),
            prefix + "architecture.architecture[1].units was 7 and is 8 now" + suffix);
  other = fit;
  other.epochs = 1;
  EXPECT_EQ(message<ArgumentError>([&] { train({}, other); }),
            prefix + "it is in epoch 2, this run has only 1: give more epochs");

  const std::string data = message<DataError>([&] { train({}, fit, blobs(50, 4, 3, 2)); });
  EXPECT_TRUE(data.starts_with(prefix + "data.train.fingerprint was \"")) << data;
  EXPECT_TRUE(data.ends_with(" now: give the data that the run began with")) << data;
}

TEST(Checkpoint, MoreEpochsGoOn) {
  const Directory directory;
  FitOptions fit;
  ten_steps(directory, fit);
  fit.epochs = 5;
  const Result run = train({}, fit);
  EXPECT_TRUE(run == train({}, {.epochs = 5, .batch_size = 10}));
}

TEST(Checkpoint, AnotherBackendIsAWarning) {
  if (exact_backends().size() < 2) GTEST_SKIP() << "only one backend here";
  const Directory directory;
  FitOptions fit{.epochs = 1, .batch_size = 10, .checkpoints = {.directory = directory.path()}};
  train({.backend = "reference"}, fit);
  fit.epochs = 2;
  fit.checkpoints.resume = true;
  Log log;
  const std::string other = exact_backends()[0];
  ASSERT_NE(other, "reference");
  EXPECT_EQ(train_with(log, fit, {.backend = other}).history.epochs.size(), 2u);
  EXPECT_EQ(log.lines, std::vector<std::string>{directory.path("step-000000000005.checkpoint") +
                                                ": the backend was reference and is " + other +
                                                " now: what follows may differ in its last bits"});
}

TEST(Checkpoint, ARunThatACallbackEndedIsFinished) {
  struct Ends : Callback {
    bool on_epoch(const Epoch& epoch) override { return epoch.epoch == 2; }
  } ends;
  const Directory directory;
  FitOptions fit{.epochs = 5, .batch_size = 10, .callbacks = {&ends}};
  fit.checkpoints.directory = directory.path();
  const Result run = train({}, fit);
  EXPECT_TRUE(run.history.stopped);
  fit.checkpoints.resume = true;
  const Result again = train({}, fit);
  EXPECT_TRUE(again == run);
  EXPECT_TRUE(again.history.stopped);
}

/// Stops after as many epochs as its state says.
struct Countdown : Callback {
  explicit Countdown(int left) : left(left) {}
  bool on_epoch(const Epoch&) override { return --left == 0; }
  std::string name() const override { return "countdown"; }
  std::string state() const override { return std::to_string(left); }
  void restore(const std::string& state) override { left = std::stoi(state); }
  int left;
};

TEST(Checkpoint, CallbacksGoOnFromTheirState) {
  const Directory directory;
  FitOptions fit{.epochs = 9, .batch_size = 10};
  fit.checkpoints.directory = directory.path();
  Countdown first(4);
  StopAfter stop(13);  // within the third epoch
  fit.callbacks = {&first, &stop};
  train({}, fit);
  fit.checkpoints.resume = true;
  Countdown second(7);
  fit.callbacks = {&second};
  EXPECT_EQ(train({}, fit).history.epochs.size(), 4u);
  fit.callbacks = {};
  EXPECT_EQ(message<ArgumentError>([&] { train({}, fit); }),
            directory.path("step-000000000020.checkpoint") +
                ": resume: callback 'countdown' is not part of this run: add it");
  fit.callbacks = {&first, &second};
  EXPECT_EQ(message<ArgumentError>([&] { train({}, fit); }),
            "checkpoints: two callbacks are called 'countdown': their states could not be told apart");
}

TEST(Checkpoint, ASecondCallOfFitHasItsOwnDirectory) {
  const Directory directory;
  const Dataset data = blobs(50, 4, 3);
  const FitOptions first{.epochs = 2, .checkpoints = {.directory = directory.path("1"), .resume = true}};
  const FitOptions second{.epochs = 2, .checkpoints = {.directory = directory.path("2"), .resume = true}};
  const auto both = [&](StopAfter* stop) {
    Sequential network = dropout_network();
    Trainer trainer(network, {.optimizer = Adam{}});
    trainer.fit(data, first);
    FitOptions stopped = second;
    if (stop) stopped.callbacks.push_back(stop);
    trainer.fit(data, stopped);
    return values(network);
  };
  StopAfter stop(3);
  both(&stop);
  const auto resumed = both(nullptr);
  EXPECT_EQ(resumed, train({.optimizer = Adam{}}, {.epochs = 4}).values);
  EXPECT_EQ(message<ArgumentError>([&] { train({.optimizer = Adam{}}, second, data); }),
            directory.path("2/step-000000000008.checkpoint") +
                ": resume: it belongs to a call of fit after 2 epochs, not after 0");
}

}  // namespace
}  // namespace plexus

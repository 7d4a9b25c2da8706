// Checkpoints: what goes on from one has the bits of what was never interrupted; what is damaged is never
// taken for whole.
#include "plexus/trainer/checkpoint.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <map>
#include <numeric>
#include <set>

#include "io/files.h"
#include "plexus/backends/registry.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/dropout.h"
#include "plexus/layers/standardize.h"
#include "plexus/trainer/early_stopping.h"
#include "plexus/trainer/fingerprint.h"
#include "plexus/trainer/reduce_on_plateau.h"
#include "plexus/trainer/trainer.h"
#include "trainer/example_data.h"
#include "trainer/message.h"

namespace plexus {
namespace {

using test::Directory;

/// Stops after so many steps, as a signal would.
struct StopAfter : Callback {
  explicit StopAfter(int64_t steps) : left(steps) {}
  bool on_step(const Progress&) override { return --left == 0; }
  int64_t left;
};

/// Everything that outlives a step.
std::map<std::string, Tensor> values(const Sequential& network) {
  std::map<std::string, Tensor> result;
  for (const auto& [name, entry] : network.store().entries()) result.emplace(name, network.store().get(name));
  return result;
}

/// All but the seconds, NaN too.
std::vector<uint64_t> bits(const History& history) {
  std::vector<uint64_t> result;
  for (const Epoch& e : history.epochs)
    for (const double value :
         {double(e.epoch), e.train_loss, e.validation_loss, e.validation_accuracy, e.learning_rate})
      result.push_back(std::bit_cast<uint64_t>(value));
  return result;
}

struct Result {
  std::map<std::string, Tensor> values;
  History history;
  bool operator==(const Result& other) const {
    return values == other.values && bits(history) == bits(other.history);
  }
};

Sequential dropout_network() { return Sequential(Standardize(), Dense(7), Relu(), Dropout(0.25), Dense(3)); }

Result train(const TrainerOptions& options, const FitOptions& fit, const Dataset& data = blobs(50, 4, 3)) {
  Sequential network = dropout_network();
  Trainer trainer(network, options);
  const History history = trainer.fit(data, fit);
  return {values(network), history};
}

/// A run that is stopped after `steps` of its steps, and one that goes on from there.
Result interrupted_run(const TrainerOptions& options, FitOptions fit, int64_t steps, int threads_after) {
  const Directory directory;
  fit.checkpoints.directory = directory.path("checkpoints");
  StopAfter stop(steps);
  FitOptions first = fit;
  first.callbacks.push_back(&stop);
  train(options, first);
  fit.checkpoints.resume = true;
  TrainerOptions after = options;
  after.threads = threads_after;
  return train(after, fit);
}

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

// --- Damage

std::string small_checkpoint(const Directory& directory) {
  Sequential network{Dense(1)};
  Trainer trainer(network, {.loss = Mse{}, .backend = "reference"});
  trainer.fit(line(4), {.epochs = 1, .checkpoints = {.directory = directory.path("run")}});
  return test::read_bytes(directory.path("run/step-000000000001.checkpoint"));
}

TEST(Checkpoint, EveryPrefixAndEveryFlippedBitIsRefused) {
  const Directory directory;
  const std::string bytes = small_checkpoint(directory);
  ASSERT_GT(bytes.size(), 500u);
  int64_t loaded = 0, refused = 0;
  const auto load = [&](const std::string& damaged, size_t) {
    try {
      load_checkpoint(directory.write("damaged", damaged));
      ++loaded;
    } catch (const FormatError&) {
      ++refused;
    }
  };
  load(bytes, 0);
  EXPECT_EQ(loaded, 1);
  test::for_each_prefix(bytes, load);
  test::for_each_flip(bytes, load);
  load(bytes + '\0', 0);
  EXPECT_EQ(loaded, 1);
  EXPECT_EQ(refused, int64_t(9 * bytes.size() + 1));
}

TEST(Checkpoint, SaysWhatIsDamaged) {
  const Directory directory;
  const std::string bytes = small_checkpoint(directory);
  const auto problem = [&](std::string damaged) {
    const std::string path = directory.write("a", damaged);
    return test::error<FormatError>(path, [&] { load_checkpoint(path); });
  };
  const auto with = [&](size_t at, char c) {
    std::string damaged = bytes;
    damaged[at] = c;
    return damaged;
  };
  EXPECT_EQ(problem(""), "ends within its first 40 bytes");
  EXPECT_EQ(problem(with(1, 'x')), "is not a file of this kind");
  EXPECT_EQ(problem(with(8, 9)), "damaged in its first 40 bytes: the checksum differs");
  EXPECT_EQ(problem(with(41, 'x')), "table: the checksum differs");
  EXPECT_EQ(problem(with(bytes.size() - 1, 'x')).substr(0, 8), "section ");
  EXPECT_EQ(problem(bytes.substr(0, bytes.size() - 3)),
            "expected " + std::to_string(bytes.size()) + " bytes, found " + std::to_string(bytes.size() - 3));
  EXPECT_EQ(message<IoError>([&] { load_checkpoint(directory.path("no")); }),
            directory.path("no") + ": cannot open: No such file or directory");
}

/// A run of ten steps with a checkpoint after each of the last three, in `directory`; what it is like
/// afterwards.
Result ten_steps(const Directory& directory, FitOptions& fit) {
  fit = {.epochs = 2, .batch_size = 10};
  fit.checkpoints = {.directory = directory.path(), .steps = 1, .keep = 3};
  const Result run = train({}, fit);
  fit.checkpoints.resume = true;
  return run;
}

std::string flipped(const std::string& path) {
  std::string bytes = test::read_bytes(path);
  bytes[bytes.size() / 2] = char(bytes[bytes.size() / 2] ^ 1);
  return bytes;
}

struct Log {
  std::vector<std::string> lines;
  LogSink sink() {
    return [this](LogLevel level, const std::string& line) {
      if (level == LogLevel::warning) lines.push_back(line);
    };
  }
};

Result train_with(Log& log, const FitOptions& fit, const TrainerOptions& options = {},
                  const Dataset& data = blobs(50, 4, 3)) {
  Sequential network = dropout_network();
  Trainer trainer(network, options, make_context({.backend = options.backend, .sink = log.sink()}));
  const History history = trainer.fit(data, fit);
  return {values(network), history};
}

TEST(Checkpoint, ADamagedOneIsPassedOverWithAWarning) {
  const Directory directory;
  FitOptions fit;
  const Result whole = ten_steps(directory, fit);
  const std::string newest = directory.path("step-000000000010.checkpoint");
  directory.write("step-000000000010.checkpoint", flipped(newest));
  Log log;
  EXPECT_TRUE(train_with(log, fit) == whole);
  ASSERT_EQ(log.lines.size(), 1u);
  EXPECT_TRUE(log.lines[0].starts_with(newest + ": section ")) << log.lines[0];
  EXPECT_TRUE(log.lines[0].ends_with(": the checksum differs: going on from the checkpoint before it"))
      << log.lines[0];
  load_checkpoint(newest);  // written again, whole

  for (const char* name : {"08", "09", "10"})
    directory.write("step-0000000000" + std::string(name) + ".checkpoint", "torn");
  EXPECT_EQ(message<FormatError>([&] { train_with(log, fit); }),
            directory.path() + ": none of its 3 checkpoints can be read: " + newest +
                ": ends within its first 40 bytes");
}

TEST(Checkpoint, ANewerFormatIsRefusedAndNotPassedOver) {
  const Directory directory;
  FitOptions fit;
  ten_steps(directory, fit);
  // Version 2; the checksum of these 32 bytes is that of `xxhsum -H3`.
  std::string bytes = std::string("\x89PLXC\r\n\x1a\2", 9) + std::string(23, '\0');
  for (const int byte : {0x71, 0x81, 0x11, 0xc1, 0x56, 0x05, 0x7e, 0x1a}) bytes += char(byte);
  const std::string path = directory.write("step-000000000011.checkpoint", bytes);
  EXPECT_EQ(message<FormatError>([&] { train({}, fit); }),
            path + ": format version 2, this Plexus reads up to version 1: update Plexus");
}

// --- What goes wrong

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

TEST(Checkpoint, ADirectoryThatCannotBeUsedIsRefusedBeforeTheFirstStep) {
  const Directory directory;
  FitOptions fit;
  ten_steps(directory, fit);
  fit.checkpoints.resume = false;
  EXPECT_EQ(
      message<ArgumentError>([&] { train({}, fit); }),
      directory.path() + ": holds checkpoints of an earlier run: resume it, or choose another directory");
  fit.checkpoints.directory = directory.write("file", "");
  EXPECT_EQ(message<IoError>([&] { train({}, fit); }),
            directory.path("file") + ": cannot open the directory: Not a directory");
  fit.checkpoints = {.directory = directory.path("a"), .keep = 0};
  EXPECT_EQ(message<ArgumentError>([&] { train({}, fit); }), "checkpoints: keep 0: choose 1 or more");
  fit.checkpoints = {.directory = directory.path("a"), .steps = -1};
  EXPECT_EQ(message<ArgumentError>([&] { train({}, fit); }),
            "checkpoints: an interval is negative: choose 0 (off) or more");
}

TEST(Checkpoint, OneRunADirectory) {
  const Directory directory;
  FitOptions fit{.epochs = 1, .checkpoints = {.directory = directory.path(), .resume = true}};
  struct Another : Callback {
    bool on_step(const Progress&) override {
      problem = message<IoError>([&] { train({}, fit); });
      return false;
    }
    FitOptions fit;
    std::string problem;
  } another;
  another.fit = fit;
  fit.callbacks = {&another};
  train({}, fit);
  EXPECT_EQ(another.problem,
            directory.path() + ": another run writes to this directory: wait for it, or choose another");
}

TEST(Checkpoint, WhatCannotBeWrittenIsAWarningAndWhatIsThereStays) {
  const Directory directory;
  FitOptions fit{.epochs = 2, .batch_size = 10, .checkpoints = {.directory = directory.path(), .steps = 1}};
  const Result whole = train({}, {.epochs = 2, .batch_size = 10});
  // A limit on the size of files stands for a full disk; from step 4 to step 7.
  struct Limit : Callback {
    bool on_step(const Progress& p) override {
      const int64_t step = (p.epoch - 1) * p.steps + p.step;
      rlimit limit = before;
      if (step >= 4 && step <= 7) limit.rlim_cur = 2000;
      setrlimit(RLIMIT_FSIZE, &limit);
      return false;
    }
    rlimit before{};
  } limit;
  getrlimit(RLIMIT_FSIZE, &limit.before);
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  StopAfter stop(6);
  fit.callbacks = {&limit, &stop};
  Log log;
  train_with(log, fit);
  EXPECT_EQ(log.lines, std::vector<std::string>{
                           directory.path("step-000000000004.checkpoint") +
                           ": cannot write: File too large: training goes on, and tries again at the next "
                           "checkpoint"});
  std::vector<std::string> names = directory.names();
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names,
            (std::vector<std::string>{"step-000000000002.checkpoint", "step-000000000003.checkpoint"}));

  log.lines.clear();
  fit.callbacks = {&limit};
  fit.checkpoints.resume = true;
  EXPECT_TRUE(train_with(log, fit) == whole);
  std::signal(SIGXFSZ, handler);
  ASSERT_EQ(log.lines.size(), 2u);
  EXPECT_EQ(log.lines[1],
            directory.path("step-000000000008.checkpoint") + ": written, after 4 that could not be");
}

TEST(Checkpoint, HasTheUsualPermissionsAndKeepsThoseOfAFile) {
  const Directory directory;
  FitOptions fit;
  const mode_t mask = umask(027);
  ten_steps(directory, fit);
  umask(mask);
  const std::string path = directory.path("step-000000000010.checkpoint");
  struct stat status {};
  stat(path.c_str(), &status);
  EXPECT_EQ(status.st_mode & 07777, 0640u);
  chmod(path.c_str(), 0604);
  directory.write("step-000000000010.checkpoint", "torn");  // written over when the run goes on
  train({}, fit);
  stat(path.c_str(), &status);
  EXPECT_EQ(status.st_mode & 07777, 0604u);
  load_checkpoint(path);
}

TEST(Checkpoint, WhatAKilledProcessLeftIsRemoved) {
  const Directory directory;
  directory.write(".plexus-12345-0.tmp", "half");
  directory.write("notes.txt", "mine");
  FitOptions fit;
  ten_steps(directory, fit);
  std::vector<std::string> names = directory.names();
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names,
            (std::vector<std::string>{"notes.txt", "step-000000000008.checkpoint",
                                      "step-000000000009.checkpoint", "step-000000000010.checkpoint"}));
}

TEST(Fingerprint, TellsDataApart) {
  const Dataset data = blobs(200, 4, 3);
  EXPECT_EQ(fingerprint(data), fingerprint(blobs(200, 4, 3)));
  EXPECT_EQ(fingerprint(data).size(), 16u);
  std::set<std::string> all = {fingerprint(data), fingerprint(blobs(199, 4, 3)),
                               fingerprint(blobs(200, 4, 3, 2)), fingerprint(blobs(200, 2, 3)),
                               fingerprint(data.one_hot())};
  std::vector<int64_t> order(200);
  std::iota(order.begin(), order.end(), int64_t{0});
  std::swap(order[150], order[151]);
  all.insert(fingerprint(data.subset(order)));
  EXPECT_EQ(all.size(), 6u);
  Tensor a = Tensor::from<float>({1, 2}, {2});
  Tensor b = Tensor::from<float>({1, 2}, {1, 2});
  EXPECT_NE(fingerprint(a), fingerprint(b));
}

}  // namespace
}  // namespace plexus

// Checkpoints: what goes on from one has the bits of what was never interrupted; what is damaged is never taken for whole.
#include "plexus/trainer/checkpoint.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>

#include "io/files.h"
#include "plexus/backends/registry.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/dropout.h"
#include "plexus/layers/standardize.h"
#include "plexus/trainer/fingerprint.h"
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

/// All but the seconds.
std::vector<std::vector<double>> bits(const History& history) {
  std::vector<std::vector<double>> result;
  for (const Epoch& e : history.epochs)
    result.push_back({double(e.epoch), e.train_loss, e.validation_loss, e.validation_accuracy, e.learning_rate});
  return result;
}

struct Run {
  std::map<std::string, Tensor> values;
  History history;
  bool operator==(const Run& other) const {
    return values == other.values && bits(history) == bits(other.history);
  }
};

Sequential dropout_network() { return Sequential(Standardize(), Dense(7), Relu(), Dropout(0.25), Dense(3)); }

Run train(const TrainerOptions& options, const FitOptions& fit, const Dataset& data = blobs(50, 4, 3)) {
  Sequential network = dropout_network();
  Trainer trainer(network, options);
  const History history = trainer.fit(data, fit);
  return {values(network), history};
}

/// A run that is stopped after `steps` of its steps, and one that goes on from there.
Run interrupted_run(const TrainerOptions& options, FitOptions fit, int64_t steps, int threads_after) {
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
      const Run whole = train(c.trainer, c.fit);
      ASSERT_EQ(whole.history.epochs.size(), size_t(c.fit.epochs));
      const int64_t steps = whole.values.at("step").values<int64_t>()[0];
      ASSERT_GE(steps, 5);
      for (int64_t stop = 1; stop <= steps; ++stop)
        EXPECT_TRUE(interrupted_run(c.trainer, c.fit, stop, 1 + int(stop % 3)) == whole)
            << backend << ", " << c.name << ", stopped after " << stop << " of " << steps << " steps";
    }
}

// 1, 2 and 3 threads, a step each, over and over.
TEST(Checkpoint, AnyNumberOfInterruptionsAndThreads) {
  for (const std::string& backend : exact_backends()) {
    TrainerOptions options{.optimizer = Adam{}, .backend = backend, .threads = 2, .seed = 4};
    FitOptions fit{.epochs = 4, .batch_size = 10, .validation_fraction = 0.1};
    const Run whole = train(options, fit);
    const Directory directory;
    fit.checkpoints = {.directory = directory.path(), .resume = true};
    Run last;
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
  const Run run = train({}, fit);
  EXPECT_EQ(names("steps"),
            (std::vector<std::string>{"step-000000000003.checkpoint", "step-000000000006.checkpoint",
                                      "step-000000000009.checkpoint", "step-000000000010.checkpoint"}));
  fit.checkpoints = {.directory = directory.path("epochs/below"), .epochs = 1, .keep = 100};
  train({}, fit);
  EXPECT_EQ(names("epochs/below"), (std::vector<std::string>{"step-000000000005.checkpoint",
                                                             "step-000000000010.checkpoint"}));
  // Nothing takes so long that one would be due before the end.
  fit.checkpoints = {.directory = directory.path("end")};
  EXPECT_TRUE(train({}, fit) == run);
  EXPECT_EQ(names("end"), std::vector<std::string>{"step-000000000010.checkpoint"});
  // The last ones stay.
  fit.checkpoints = {.directory = directory.path("kept"), .steps = 1, .keep = 2};
  train({}, fit);
  EXPECT_EQ(names("kept"), (std::vector<std::string>{"step-000000000009.checkpoint",
                                                     "step-000000000010.checkpoint"}));
}

TEST(Checkpoint, SaysWhereTheRunStands) {
  const Directory directory;
  StopAfter stop(8);
  FitOptions fit{.epochs = 3, .batch_size = 10, .callbacks = {&stop}};
  fit.checkpoints.directory = directory.path();
  const Run run = train({.optimizer = Adam{.learning_rate = 0.25f}, .threads = 2}, fit);
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
  ASSERT_EQ(c.tensors.size(), run.values.size());
  for (const NamedTensor& named : c.tensors) EXPECT_EQ(named.tensor, run.values.at(named.name)) << named.name;
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

/// A run of ten steps with a checkpoint after each of the last three, in `directory`; what it is like afterwards.
Run ten_steps(const Directory& directory, FitOptions& fit) {
  fit = {.epochs = 2, .batch_size = 10};
  fit.checkpoints = {.directory = directory.path(), .steps = 1, .keep = 3};
  const Run run = train({}, fit);
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

Run train_with(Log& log, const FitOptions& fit, const TrainerOptions& options = {},
               const Dataset& data = blobs(50, 4, 3)) {
  Sequential network = dropout_network();
  Trainer trainer(network, options, make_context({.backend = options.backend, .sink = log.sink()}));
  const History history = trainer.fit(data, fit);
  return {values(network), history};
}

TEST(Checkpoint, ADamagedOneIsPassedOverWithAWarning) {
  const Directory directory;
  FitOptions fit;
  const Run whole = ten_steps(directory, fit);
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
  // Written by xxhsum of the 32 bytes with version 2, 3 sections, a table of 0 bytes.
  std::string bytes = "\x89PLXC\r\n\x1a"_s;
  bytes += std::string("\2\0\0\0\0\0\0\0", 8) + std::string(8, '\0') + std::string(8, '\0');
  const std::string path = directory.path("step-000000000011.checkpoint");
  (void)path;
}

}  // namespace
}  // namespace plexus

// The directory of a run: whom it belongs to, what stays in it, what happens when it cannot be written.
#include "plexus/trainer/checkpoint.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>

#include "core/message.h"
#include "trainer/resumed_run.h"

namespace plexus {
namespace {

using namespace test;

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

}  // namespace
}  // namespace plexus

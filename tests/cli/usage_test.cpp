// Command lines that cannot be run: exit code 2, one line, the closest match.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "cli/command.h"
#include "cli/files.h"

namespace plexus::test {
namespace {


void expect_error(const Result& result, int code, const std::string& part) {
  EXPECT_EQ(result.code, code);
  EXPECT_TRUE(result.err.starts_with("plexus: error: ")) << result.err;
  EXPECT_PRED_FORMAT2(testing::IsSubstring, part, result.err);
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
}

// A usage error is told before any file is opened: DATA does not exist.
void expect_usage_error(Arguments flags, const std::string& part) {
  flags.insert(flags.begin(), {"train", "/nonexistent.csv"});
  const Result result = run(flags);
  expect_error(result, 2, part);
  EXPECT_EQ(result.out, "");
}

TEST(Usage, NoCommand) { expect_error(run({}), 2, "expected a command: train, evaluate, compare, predict, explain, inspect, info, plan"); }
TEST(Usage, MisspeltCommand) { expect_error(run({"trian"}), 2, "did you mean train?"); }
TEST(Usage, UnlikeAnyCommand) {
  const Result result = run({"xyzzyplugh"});
  expect_error(result, 2, "no such command; commands: train, evaluate, compare, predict, explain, inspect, info, plan");
}
TEST(Usage, MissingData) { expect_error(run({"train"}), 2, "DATA is required; see plexus train --help"); }
TEST(Usage, SecondData) { expect_error(run({"train", "a.csv", "b.csv"}), 2, "b.csv: one argument too many"); }
TEST(Usage, MisspeltFlag) {
  expect_usage_error({"--epohcs", "3"}, "--epohcs: no such flag (did you mean --epochs?)");
}
TEST(Usage, MisspeltFlagWithEquals) { expect_usage_error({"--bacth=3"}, "did you mean --batch?"); }
TEST(Usage, FlagUnlikeAny) {
  expect_error(run({"train", "a.csv", "--frob"}), 2, "--frob: no such flag; see plexus train --help");
}
TEST(Usage, MisspeltFlagOfTheProgram) {
  for (const Result& result : {run({"--versio"}), run({"--versio", "train", "a.csv"})})
    expect_error(result, 2, "--versio: no such flag (did you mean --version?); see plexus --help");
}
TEST(Usage, ValueMissing) { expect_usage_error({"--epochs"}, "--epochs"); }

TEST(Usage, Epochs) {
  for (const char* bad : {"0", "-1", "ten", "1.5", "", "99999999999999999999"})
    expect_usage_error({"--epochs", bad},
                       "--epochs: expected a whole number of at least 1, found '" + std::string(bad) + "'");
}
TEST(Usage, Batch) {
  for (const char* bad : {"0", "-3", "all", "", "1e3"})
    expect_usage_error({"--batch", bad}, "--batch: expected a whole number of at least 1, or full, found '" +
                                             std::string(bad) + "'");
}
TEST(Usage, Threads) {
  for (const char* bad : {"0", "-1", "1025", "two"})
    expect_usage_error({"--threads", bad}, "--threads: expected a whole number from 1 to 1024");
}
TEST(Usage, Seed) {
  expect_usage_error({"--seed", "-1"}, "--seed: expected a whole number of at least 0, found '-1'");
}
TEST(Usage, Fractions) {
  for (const char* bad : {"0", "1", "-0.1", "nan", "x"})
    expect_usage_error({"--test-fraction", bad}, "--test-fraction: expected a number between 0 and 1");
  for (const char* bad : {"1", "-0.1", "nan", "inf"})
    expect_usage_error({"--validation", bad}, "--validation: expected a number from 0 to below 1");
}
TEST(Usage, LearningRate) {
  for (const char* bad : {"nan", "inf", "fast", "0", "-0.1"})
    expect_usage_error({"--lr", bad}, "--lr: expected a number above 0, found '" + std::string(bad) + "'");
}
TEST(Usage, Momentum) {
  expect_usage_error({"--optimizer", "sgd", "--momentum", "1"}, "momentum");
  expect_usage_error({"--optimizer", "adam", "--momentum", "0.9"},
                     "--momentum is for sgd and rmsprop; adam has none");
  expect_usage_error({"--momentum", "0.9"}, "--momentum is for sgd and rmsprop; adam has none");
}
TEST(Usage, WeightDecay) { expect_usage_error({"--weight-decay", "-1"}, "weight decay"); }
TEST(Usage, Regularization) {
  for (const char* flag : {"--l1", "--l2", "--max-norm", "--clip-norm", "--clip-value"})
    expect_usage_error({flag, "-1"}, "expected a number of at least 0, found '-1'");
  expect_usage_error({"--clip-norm", "1", "--clip-value", "1"}, "--clip-norm and --clip-value exclude each other");
  expect_usage_error({"--label-smoothing", "1"}, "expected a number from 0 to below 1, found '1'");
}
TEST(Usage, Augment) {
  expect_usage_error({"--augment", "flop"}, "found 'flop' (did you mean flip?)");
  expect_usage_error({"--augment", "shift"}, "expected flip, crop=PIXELS or shift=PIXELS, found 'shift'");
  expect_usage_error({"--augment", "flip,crop=x"}, "found 'crop=x'");
}
TEST(Usage, MisspeltOptimizer) {
  expect_usage_error({"--optimizer", "adan"}, "adam");
  expect_usage_error({"--optimizer", ""}, "optimizer");
}
TEST(Usage, MisspeltLoss) {
  expect_usage_error({"--loss", "cross-entrophy"}, "did you mean cross-entropy?");
  expect_usage_error({"--loss", "hinge"}, "expected mse or mae or huber or cross-entropy, found 'hinge'");
}
TEST(Usage, LossAgainstTask) {
  expect_usage_error({"--task", "regress", "--loss", "cross-entropy"}, "--loss cross-entropy needs classes");
  expect_usage_error({"--task", "classify", "--loss", "mse"}, "--loss mse needs real targets");
}
TEST(Usage, MisspeltTask) { expect_usage_error({"--task", "clasify"}, "did you mean classify?"); }

TEST(Usage, Layers) {
  expect_usage_error({"--layers", "10,rellu"}, "did you mean relu?");
  expect_usage_error({"--layers", "10,,relu"}, "layer 2");
  expect_usage_error({"--layers", "0,relu"}, "layer 1");
  expect_usage_error({"--layers", "-5"}, "layer 1");
  expect_usage_error({"--layers", "99999999999999999999"}, "layer 1");
  expect_usage_error({"--layers", "10,dropout:1"}, "dropout");
  expect_usage_error({"--layers", "10,dropout:x"}, "dropout");
  expect_usage_error({"--layers", "10,relu:3"}, "relu");
}

TEST(Usage, Schedule) {
  expect_usage_error({"--schedule", "cosin"}, "--schedule: no such schedule (did you mean cosine?); schedules: constant, cosine,");
  expect_usage_error({"--schedule", ""}, "--schedule: no such schedule");
  expect_usage_error({"--schedule", "step=0"}, "--schedule: 'step=0': schedule step: every 0: choose 1 epoch or more");
  expect_usage_error({"--schedule", "step=x"}, "expected a whole number, found 'x'");
  expect_usage_error({"--schedule", "step=3:"}, "expected a number, found ''");
  expect_usage_error({"--schedule", "step=3:0.1:7"}, "'7' is one setting too many");
  expect_usage_error({"--schedule", "multistep"}, "expected epochs, as in 30,60");
  expect_usage_error({"--schedule", "multistep=5,3"}, "milestone 3: choose epochs from 1 on, ascending");
  expect_usage_error({"--schedule", "constant=1"}, "'1' is one setting too many");
  expect_usage_error({"--schedule", "cosine=nan"}, "minimum nan: choose one in [0, 1]");
  expect_usage_error({"--schedule", "plateau=3:2"}, "reduce on plateau: factor 2: choose one in (0, 1)");
  expect_usage_error({"--schedule", "plateau", "--validation", "0"},
                     "--schedule plateau watches the validation loss: leave --validation above 0");
  expect_usage_error({"--warmup", "-1"}, "--warmup: expected a whole number of at least 0, found '-1'");
}
TEST(Usage, EarlyStoppingAndAverage) {
  expect_usage_error({"--early-stopping", "0"}, "--early-stopping: expected a whole number of at least 1, found '0'");
  expect_usage_error({"--early-stopping", "3", "--validation", "0"},
                     "--early-stopping watches the validation loss: leave --validation above 0");
  expect_usage_error({"--ema", "1"}, "--ema: expected a number from 0 to below 1, found '1'");
}
TEST(Usage, Log) {
  expect_usage_error({"--log", "run.txt"}, "--log: training log: 'run.txt': choose a name that ends in .csv or .jsonl");
  expect_error(run({"train", "/nonexistent.csv", "--log", "/nonexistent/a.csv"}), 5, "/nonexistent/a.csv: cannot write");
}

TEST(Usage, TestTwice) {
  expect_usage_error({"--test", "b.csv", "--test-fraction", "0.5"},
                     "--test-fraction and --test exclude each other");
  const Directory images;
  expect_error(run({"train", images.path(), "--test-fraction", "0.5"}), 2, "has test data of its own");
}

TEST(Usage, Help) {
  for (const Arguments& arguments :
       {Arguments{"--help"}, {"train", "--help"}, {"info", "--help"}, {"plan", "--help"}}) {
    const Result result = run(arguments);
    EXPECT_EQ(result.code, 0);
    EXPECT_EQ(result.err, "");
    EXPECT_PRED_FORMAT2(testing::IsSubstring, "--help", result.out);
  }
  const Result train = run({"train", "--help"});
  for (const char* flag : {"--label", "--test", "--layers", "--task", "--loss", "--test-fraction",
                           "--validation", "--epochs", "--batch", "--optimizer", "--lr", "--momentum",
                           "--weight-decay", "--schedule", "--warmup", "--early-stopping", "--ema", "--log", "--seed", "--threads", "--backend", "--json", "Examples:"})
    EXPECT_PRED_FORMAT2(testing::IsSubstring, flag, train.out);
}

TEST(Usage, HelpThatCannotBeWritten) {
  const std::string command = "'" PLEXUS_COMMAND "' train --help > /dev/full 2>&1";
  EXPECT_EQ(WEXITSTATUS(std::system(command.c_str())), 5);
}

TEST(Usage, Version) {
  const Result result = run({"--version"});
  EXPECT_EQ(result.code, 0);
  EXPECT_TRUE(result.out.starts_with("Plexus ")) << result.out;
}

TEST(Usage, PlanFlags) {
  expect_error(run({"plan", "--layers", "10,rellu"}), 2, "did you mean relu?");
  expect_error(run({"plan", "--batch", "0"}), 2, "--batch: expected a whole number of at least 1");
  expect_error(run({"plan", "--batch", "full"}), 2, "--batch: expected a whole number of at least 1");
}

}  // namespace
}  // namespace plexus::test

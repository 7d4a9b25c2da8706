// plexus train --seeds and --folds: every training is the one it says, and the statistics are those of its
// figures.
#include <gtest/gtest.h>
#include <signal.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/files.h"
#include "cli/json.h"

namespace plexus::test {
namespace {

using Json = nlohmann::json;

Arguments training(const std::string& data, const Arguments& more) {
  Arguments arguments = {"train", data,   "--layers", "6,relu",    "--epochs",
                         "15",    "--lr", "0.02",     "--backend", "reference"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

Json trained(const std::string& data, Arguments more) {
  more.push_back("--json");
  const Result result = run(training(data, more));
  EXPECT_EQ(result.code, 0) << result.err;
  return parse_json(result.out);
}

/// Times differ from run to run.
Json without_times(Json run) {
  for (Json& epoch : run["epochs"]) epoch.erase("seconds");
  return run;
}

void expect_summary(const Json& found, const std::string& figure, double t) {
  double mean = 0, squares = 0;
  const auto n = static_cast<double>(found["runs"].size());
  for (const Json& run : found["runs"]) mean += run["test"][figure].get<double>() / n;
  for (const Json& run : found["runs"]) squares += std::pow(run["test"][figure].get<double>() - mean, 2);
  const double sd = std::sqrt(squares / (n - 1));
  const Json& summary = found["summary"][figure];
  EXPECT_GT(sd, 0);
  EXPECT_NEAR(summary["mean"].get<double>(), mean, 1e-12 * std::abs(mean));
  EXPECT_NEAR(summary["sd"].get<double>(), sd, 1e-9 * sd);
  // t: the 97.5 % quantile of Student's t with n - 1 degrees of freedom, from a table.
  // Neither a loss nor an error is below 0.
  EXPECT_NEAR(summary["interval"][0].get<double>(), std::max(0.0, mean - t * sd / std::sqrt(n)), 1e-4 * sd);
  EXPECT_NEAR(summary["interval"][1].get<double>(), mean + t * sd / std::sqrt(n), 1e-4 * sd);
}

TEST(Seeds, EachIsTheTrainingWithThatSeed) {
  const Directory directory;
  const std::string model = directory.path("best.safetensors");
  const Json found = trained(iris, {"--seeds", "3", "--seed", "7", "--out", model});
  ASSERT_EQ(found["runs"].size(), 3u);
  double lowest = INFINITY;
  Json best;
  for (size_t i = 0; i < 3; ++i) {
    const Json alone = trained(iris, {"--seed", std::to_string(7 + i)});
    EXPECT_EQ(without_times(found["runs"][i]), without_times(alone));
    const double loss = alone["epochs"].back()["validation_loss"];
    if (loss < lowest) lowest = loss, best = alone;
  }
  expect_summary(found, "loss", 4.302653);
  // The model is that of the lowest validation loss: its answers to all of the data are those of a training
  // with that seed alone.
  const std::string single = directory.path("single.safetensors");
  trained(iris, {"--seed", best["seed"].dump(), "--out", single});
  EXPECT_EQ(run({"evaluate", model, iris, "--json"}).out, run({"evaluate", single, iris, "--json"}).out);

  const Result text = run(training(iris, {"--seeds", "3", "--seed", "7"}));
  char line[64];
  for (size_t i = 0; i < 3; ++i) {
    std::snprintf(line, sizeof line, "seed %zu     accuracy %.2f %%  loss %.4f", 7 + i,
                  100 * found["runs"][i]["test"]["accuracy"].get<double>(),
                  found["runs"][i]["test"]["loss"].get<double>());
    EXPECT_PRED_FORMAT2(testing::IsSubstring, line, text.out);
  }
  std::snprintf(line, sizeof line, "loss      %.4f ± %.4f", found["summary"]["loss"]["mean"].get<double>(),
                found["summary"]["loss"]["sd"].get<double>());
  EXPECT_PRED_FORMAT2(testing::IsSubstring, line, text.out);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "mean of 3, standard deviation, 95 % interval", text.out);
}

TEST(Folds, EveryRowIsTestedOnOnce) {
  const Json found = trained(iris, {"--folds", "4", "--seed", "3"});
  ASSERT_EQ(found["runs"].size(), 4u);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(found["runs"][i]["fold"], i + 1);
  expect_summary(found, "loss", 3.182446);
  Json again = trained(iris, {"--folds", "4", "--seed", "3"});
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(without_times(again["runs"][i]), without_times(found["runs"][i]));
  EXPECT_NE(trained(iris, {"--folds", "4", "--seed", "4"})["summary"], found["summary"]);
  // 150 rows in 4 folds of three classes: 38, 38, 37, 37 to test on; a tenth of the others to validate with.
  const Result text = run(training(iris, {"--folds", "4", "--seed", "3"}));
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "100 rows to train, 12 to validate, 38 to test", text.out);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "fold 4     accuracy ", text.out);
}

TEST(Folds, RegressionIsScaledWithinAFold) {
  std::string text = "x,y\n";
  for (int i = 0; i < 40; ++i)
    text += std::to_string(i % 10) + "," + std::to_string(1000 * (i % 10) + i) + "\n";
  const Directory directory;
  const Json found =
      trained(directory.write("line.csv", text), {"--folds", "5", "--task", "regress", "--batch", "2"});
  expect_summary(found, "rmse", 2.776445);
  for (const Json& run : found["runs"]) EXPECT_GT(run["test"]["r2"].get<double>(), 0.98) << run["test"];
}

TEST(Folds, TestDataAreLeftAlone) {
  const Directory directory;
  std::vector<uint8_t> labels;
  for (size_t i = 0; i < 40; ++i) labels.push_back(i % 2);
  directory.write_images("train", labels);
  directory.write_images("t10k", {0, 1});
  const Result result = run(training(directory.path(), {"--folds", "2"}));
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "18 rows to train, 2 to validate, 20 to test", result.out);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "the test data of " + directory.path() + " are left alone\n",
                      result.out);
}

TEST(Repetition, WhatIsForOneTrainingIsRefused) {
  const Directory directory;
  const auto error = [](const Arguments& more, const std::string& text) {
    const Result result = run(training(iris, more));
    EXPECT_EQ(result.code, 2) << result.err;
    EXPECT_EQ(result.err, "plexus: error: " + text + "\n");
  };
  error({"--seeds", "2", "--folds", "2"}, "--seeds and --folds exclude each other");
  error({"--seeds", "2", "--run", directory.path("r")},
        "--run is for one training, not for --seeds: train with one --seed for it");
  error({"--folds", "2", "--checkpoint", directory.path("c")},
        "a checkpoint is for one training, not for --folds: train with one --seed for it");
  error({"--seeds", "2", "--log", directory.path("l.csv")},
        "--log is for one training, not for --seeds: train with one --seed for it");
  error({"--folds", "2", "--out", directory.path("m.safetensors")},
        "--out is for one training, not for --folds: each of its networks misses a part of the data; train "
        "without it");
  error({"--folds", "2", "--test", iris},
        "--test is for one training, not for --folds: every row is tested on once");
  error({"--seeds", "2", "--out", directory.path("m.safetensors"), "--validation", "0"},
        "--out with --seeds saves the network that validates best: give --validation more than 0");
  EXPECT_EQ(run(training(iris, {"--seeds", "1"})).code, 2);
  EXPECT_EQ(run(training(iris, {"--folds", "1"})).code, 2);
  const Result many = run(training(iris, {"--folds", "200"}));
  EXPECT_EQ(many.code, 3);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "k_fold: 150 rows for 200 folds", many.err);
}

TEST(Repetition, StopsWhenInterrupted) {
  Process process(training(iris, {"--seeds", "1000000", "--json"}));
  process.wait_for("seed 1 ");
  process.signal(SIGINT);
  const Result result = process.wait();
  EXPECT_EQ(result.code, 128 + SIGINT);
  const Json found = parse_json(result.out);
  EXPECT_GE(found["runs"].size(), 2u);
  EXPECT_FALSE(found["summary"].is_null());
  EXPECT_PRED_FORMAT2(
      testing::IsSubstring,
      "plexus: stopped by signal 2 after " + std::to_string(found["runs"].size()) + " of 1000000 trainings\n",
      result.err);
}

}  // namespace
}  // namespace plexus::test

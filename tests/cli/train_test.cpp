// plexus train: what it prints, the JSON of a run, and that networks learn.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/command.h"
#include "cli/files.h"
#include "cli/json.h"
#include "plexus/io/npy.h"

namespace plexus::test {
namespace {

using nlohmann::json;

const std::string iris_npy = PLEXUS_SOURCE_DIR "/examples/data/iris.npy";

json train(Arguments arguments, const Variables& variables = {}) {
  arguments.insert(arguments.begin(), "train");
  arguments.push_back("--json");
  const Result result = run(arguments, variables);
  EXPECT_EQ(result.code, 0) << result.err;
  return parse_json(result.out);  // throws where stdout is not exactly one object
}

using Keys = std::set<std::string>;

Keys keys(const json& object) {
  Keys names;
  for (const auto& [name, value] : object.items()) names.insert(name);
  return names;
}

// The pipeline that tutorials begin with.
TEST(Train, Iris) {
  double accuracy = 0;
  for (const char* seed : {"1", "2", "3"}) {
    const json run = train(
        {iris_npy, "--layers", "10,relu", "--epochs", "1000", "--lr", "0.01", "--batch", "32", "--seed", seed});
    const json& epochs = run["epochs"];
    ASSERT_EQ(epochs.size(), 1000u);
    EXPECT_LT(epochs.back()["train_loss"].get<double>(), epochs.front()["train_loss"].get<double>() / 3);
    accuracy += run["test"]["accuracy"].get<double>() / 3;
  }
  EXPECT_GE(accuracy, 0.90);
}

TEST(Train, JsonOfClasses) {
  const Directory directory;
  const json run = train({directory.write_classes("a.csv", 60), "--layers", "8,tanh", "--epochs", "3",
                          "--seed", "7", "--threads", "2", "--backend", "reference"});
  EXPECT_EQ(keys(run), (Keys{"backend", "isa", "threads", "seed", "task",
                                                       "parameters", "epochs", "best_epoch", "test", "findings"}));
  EXPECT_EQ(run["findings"], json::array());
  EXPECT_TRUE(run["best_epoch"].is_null());
  EXPECT_EQ(run["backend"], "reference");
  EXPECT_TRUE(run["isa"].is_string());
  EXPECT_EQ(run["threads"], 2);
  EXPECT_EQ(run["seed"], 7);
  EXPECT_EQ(run["task"], "classify");
  EXPECT_EQ(run["parameters"], 2 * 8 + 8 + 8 * 2 + 2);
  ASSERT_EQ(run["epochs"].size(), 3u);
  for (const json& epoch : run["epochs"]) {
    EXPECT_EQ(keys(epoch), (Keys{"train_loss", "validation_loss",
                                                           "validation_accuracy", "learning_rate", "seconds"}));
    EXPECT_GT(epoch["train_loss"].get<double>(), 0);
    EXPECT_GT(epoch["validation_loss"].get<double>(), 0);
    EXPECT_LE(epoch["validation_accuracy"].get<double>(), 1);
    EXPECT_GE(epoch["seconds"].get<double>(), 0);
  }
  EXPECT_EQ(keys(run["test"]),
            (Keys{"loss", "accuracy", "interval", "top5_accuracy", "f1", "auc", "calibration_error"}));
  ASSERT_EQ(run["test"]["interval"].size(), 2u);
  EXPECT_LE(run["test"]["interval"][0], run["test"]["accuracy"]);
  EXPECT_GE(run["test"]["interval"][1], run["test"]["accuracy"]);
}

TEST(Train, JsonOfValues) {
  const Directory directory;
  std::string rows = "x,y,price\n";
  for (int i = 0; i < 100; ++i)  // price = x - y / 2
    rows += std::to_string(i % 10) + "," + std::to_string(i / 10) + "," +
            std::to_string(i % 10 - i / 10 / 2.0) + "\n";
  const json run =
      train({directory.write("a.csv", rows), "--task", "regress", "--epochs", "50", "--lr", "0.01"});
  EXPECT_EQ(run["task"], "regress");
  EXPECT_TRUE(run["epochs"][0]["validation_accuracy"].is_null());
  EXPECT_EQ(keys(run["test"]), (Keys{"loss", "rmse", "mae", "r2"}));
  EXPECT_GT(run["test"]["r2"].get<double>(), 0.95);
  for (const char* loss : {"mae", "huber"})
    EXPECT_GT(
        train({directory.path("a.csv"), "--task", "regress", "--loss", loss})["test"]["loss"].get<double>(),
        0);
}

// Prices around 200 000 and a weak default learning rate: without scaled targets it would take thousands of epochs.
TEST(Train, DefaultsSuitSmallTablesAndLargeTargets) {
  const Directory directory;
  std::string rows = "x,y,price\n";
  for (int i = 0; i < 300; ++i)
    rows += std::to_string(i % 10) + "," + std::to_string(i / 10 % 10) + "," +
            std::to_string(200000 + 3000 * (i % 10) - 1000 * (i / 10 % 10) + i % 7) + "\n";
  const json run = train({directory.write("a.csv", rows), "--task", "regress"});
  EXPECT_EQ(run["epochs"].size(), 200u);
  EXPECT_GT(run["test"]["r2"].get<double>(), 0.95);
  EXPECT_LT(run["epochs"][0]["train_loss"].get<double>(), 10);  // of standardised targets
  EXPECT_GT(run["test"]["loss"].get<double>(), 10);             // in their own units
}

TEST(Train, WithoutValidationItsFiguresAreNull) {
  const Directory directory;
  const json run = train({directory.write_classes("a.csv", 40), "--epochs", "1", "--validation", "0"});
  EXPECT_TRUE(run["epochs"][0]["validation_loss"].is_null());
  EXPECT_TRUE(run["epochs"][0]["validation_accuracy"].is_null());
}

std::vector<double> learning_rates(const json& run) {
  std::vector<double> rates;
  for (const json& epoch : run["epochs"]) rates.push_back(epoch["learning_rate"]);
  return rates;
}

TEST(Train, SchedulesChangeTheLearningRate) {
  const Directory directory;
  const Arguments common = {directory.write_classes("a.csv", 60), "--epochs", "4", "--lr", "0.5", "--batch", "full"};
  const auto with = [&](const Arguments& more) {
    Arguments arguments = common;
    arguments.insert(arguments.end(), more.begin(), more.end());
    return learning_rates(train(arguments));
  };
  using Rates = std::vector<double>;
  EXPECT_EQ(with({}), (Rates{0.5, 0.5, 0.5, 0.5}));
  EXPECT_EQ(with({"--schedule", "constant"}), (Rates{0.5, 0.5, 0.5, 0.5}));
  EXPECT_EQ(with({"--schedule", "step=2:0.5"}), (Rates{0.5, 0.5, 0.25, 0.25}));
  EXPECT_EQ(with({"--schedule", "multistep=1,3:0.5"}), (Rates{0.5, 0.25, 0.25, 0.125}));
  EXPECT_EQ(with({"--schedule", "exponential=0.5"}), (Rates{0.5, 0.25, 0.125, 0.0625}));
  EXPECT_EQ(with({"--warmup", "4"}), (Rates{0.125, 0.25, 0.375, 0.5}));
  const Rates cosine = with({"--schedule", "cosine=0.5"}), restarts = with({"--schedule", "restarts=2:1:0.5"}),
              cycle = with({"--schedule", "onecycle=0.5"});
  EXPECT_NEAR(cosine[2], 0.375, 1e-9);  // half way from 0.5 to 0.25
  EXPECT_NEAR(restarts[1], 0.375, 1e-9);
  EXPECT_EQ(restarts[2], 0.5);
  EXPECT_NEAR(cycle[0], 0.02, 1e-9);
  EXPECT_NEAR(cycle[1], 0.5, 1e-9);
  // At such a rate it does not get better every epoch.
  const Rates plateau = learning_rates(train({directory.path("a.csv"), "--epochs", "60", "--lr", "0.5", "--schedule", "plateau=1:0.5"}));
  EXPECT_EQ(plateau[0], 0.5);
  EXPECT_LT(plateau.back(), 0.3);
}

TEST(Train, StopsEarlyWithTheBestWeights) {
  const Directory directory;
  const std::string log = directory.path("log.csv"), model = directory.path("m.safetensors");
  const json run = train({directory.write_classes("a.csv", 60), "--epochs", "500", "--lr", "0.5", "--early-stopping",
                          "3", "--log", log, "--out", model});
  const json& epochs = run["epochs"];
  ASSERT_LT(epochs.size(), 500u);
  size_t best = 0;
  for (size_t i = 0; i < epochs.size(); ++i)
    if (epochs[i]["validation_loss"] < epochs[best]["validation_loss"]) best = i;
  EXPECT_EQ(run["best_epoch"], best + 1);
  EXPECT_EQ(epochs.size(), best + 1 + 3);
  std::ifstream file(log);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  ASSERT_EQ(lines.size(), epochs.size() + 1);
  EXPECT_EQ(lines[0], "epoch,train_loss,validation_loss,validation_accuracy,learning_rate,seconds");
  EXPECT_TRUE(lines[1].starts_with("1,")) << lines[1];
}

TEST(Train, MovingAverageIsAnotherNetwork) {
  const Directory directory;
  const Arguments plain = {directory.write_classes("a.csv", 60), "--epochs", "2"};
  Arguments averaged = plain;
  averaged.insert(averaged.end(), {"--ema", "0.9"});
  const json a = train(plain), b = train(averaged);
  EXPECT_EQ(a["epochs"][1]["train_loss"], b["epochs"][1]["train_loss"]);
  EXPECT_NE(a["epochs"][1]["validation_loss"], b["epochs"][1]["validation_loss"]);
  EXPECT_NE(a["test"]["loss"], b["test"]["loss"]);
}

// Everything but the times.
json timeless(json run) {
  for (json& epoch : run["epochs"]) epoch.erase("seconds");
  run.erase("threads");
  return run;
}

TEST(Train, SeedDecidesTheRunAndThreadsDoNot) {
  const Directory directory;
  const Arguments arguments = {directory.write_classes("a.csv", 60), "--epochs", "3", "--layers",
                               "16,relu,dropout:0.2"};
  const auto with = [&](const Arguments& more) {
    Arguments all = arguments;
    all.insert(all.end(), more.begin(), more.end());
    return timeless(train(all));
  };
  const json once = with({"--seed", "3", "--threads", "1"});
  EXPECT_EQ(once, with({"--seed", "3", "--threads", "3"}));
  EXPECT_NE(once["epochs"], with({"--seed", "4", "--threads", "1"})["epochs"]);
}

TEST(Train, FlagsReachTheOptimizer) {
  const Directory directory;
  const std::string table = directory.write_classes("a.csv", 60);
  const auto losses = [&](const Arguments& flags) {
    Arguments all = {table, "--epochs", "2"};
    all.insert(all.end(), flags.begin(), flags.end());
    return timeless(train(all))["epochs"];
  };
  std::vector<json> runs;
  for (const Arguments& flags : {Arguments{"--optimizer", "sgd"},
                                 {"--optimizer", "sgd", "--lr", "0.1"},
                                 {"--optimizer", "sgd", "--momentum", "0.9"},
                                 {"--optimizer", "sgd", "--weight-decay", "0.1"},
                                 {"--optimizer", "adam"},
                                 {"--optimizer", "adamw"},
                                 {"--optimizer", "rmsprop"},
                                 {"--optimizer", "adagrad"},
                                 {"--optimizer", "adamax"},
                                 {"--optimizer", "nadam"},
                                 {"--optimizer", "radam"},
                                 {"--optimizer", "adadelta"},
                                 {"--optimizer", "sgd", "--l1", "0.1"},
                                 {"--optimizer", "sgd", "--l2", "0.1"},
                                 {"--optimizer", "sgd", "--max-norm", "0.5"},
                                 {"--optimizer", "sgd", "--clip-norm", "0.1"},
                                 {"--optimizer", "sgd", "--clip-value", "0.1"},
                                 {"--optimizer", "sgd", "--label-smoothing", "0.1"},
                                 {"--optimizer", "sgd", "--class-weights", "1,3"},
                                 {"--optimizer", "sgd", "--batch", "full"},
                                 {"--optimizer", "sgd", "--batch", "7"}})
    runs.push_back(losses(flags));
  for (size_t i = 0; i < runs.size(); ++i)
    for (size_t j = 0; j < i; ++j) EXPECT_NE(runs[i], runs[j]) << i << " " << j;
  EXPECT_EQ(losses({}), losses({"--optimizer", "adam", "--lr", "0.001"}));
  // The classes of the table are of one size, and so are those of its parts.
  EXPECT_EQ(losses({}), losses({"--class-weights", "balanced"}));
}

TEST(Train, TellsWhatItDoes) {
  const Directory directory;
  const Result result = run({"train", directory.write_classes("a.csv", 100), "--epochs", "3"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "72 rows to train, 8 to validate, 20 to test", result.out);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "classify: 2 distinct text labels", result.out);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "epoch 3/3", result.out);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "95 % interval", result.out);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "confusion", result.out);
  EXPECT_EQ(result.err, "");
}

TEST(Train, ManyEpochsFewLines) {
  const Directory directory;
  const Result result = run({"train", directory.write_classes("a.csv", 40), "--epochs", "200"});
  size_t lines = 0;
  for (size_t at = 0; (at = result.out.find("\nepoch ", at)) != std::string::npos; ++at) ++lines;
  EXPECT_GE(lines, 20u);
  EXPECT_LE(lines, 22u);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "epoch 200/200", result.out);
}

TEST(Train, LabelByNameAndNumber) {
  const Directory directory;
  std::string rows = "kind,x,y\n";
  for (int i = 0; i < 60; ++i)
    rows +=
        std::string(i % 2 ? "b," : "a,") + std::to_string(i % 2 * 4 - 2) + "," + std::to_string(i % 5) + "\n";
  const std::string table = directory.write("a.csv", rows);
  const json by_name = timeless(train({table, "--label", "kind", "--epochs", "2"}));
  EXPECT_EQ(by_name["task"], "classify");
  for (const char* number : {"0", "-3"})
    EXPECT_EQ(by_name, timeless(train({table, "--label", number, "--epochs", "2"})));
}

// The test data lacks class "a": its numbers must still be those of the training data.
TEST(Train, TestDataKeepsTheClassesOfTheTrainingData) {
  const Directory directory;
  const std::string table = directory.write_classes("a.csv", 100);
  const json run =
      train({table, "--test", directory.write("b.csv", "x,y,kind\n2,-1,b\n2.1,-0.9,b\n1.9,-1,b\n"),
             "--epochs", "30", "--lr", "0.01"});
  EXPECT_EQ(run["test"]["accuracy"], 1.0);
}

TEST(Train, Images) {
  const Directory directory;
  std::vector<uint8_t> labels;
  for (int i = 0; i < 60; ++i) labels.push_back(uint8_t(i * i % 3 == 1));
  directory.write_images("train", labels);
  directory.write_images("t10k", {0, 1, 1, 0, 1, 0});
  const json run = train({directory.path(), "--epochs", "10", "--layers", "8,relu", "--lr", "0.01"});
  EXPECT_EQ(run["parameters"], 64 * 8 + 8 + 8 * 2 + 2);
  EXPECT_EQ(run["test"]["accuracy"], 1.0);
}

TEST(Train, AugmentedImages) {
  const Directory directory;
  std::vector<uint8_t> labels;
  for (int i = 0; i < 60; ++i) labels.push_back(uint8_t(i * i % 3 == 1));
  directory.write_images("train", labels);
  directory.write_images("t10k", {0, 1, 1, 0, 1, 0});
  const auto epochs = [&](const Arguments& flags) {
    Arguments all = {directory.path(), "--epochs", "2"};
    all.insert(all.end(), flags.begin(), flags.end());
    return timeless(train(all))["epochs"];
  };
  const json plain = epochs({}), flipped = epochs({"--augment", "flip"}),
             all = epochs({"--augment", "flip,shift=2,crop=1", "--threads", "1"});
  EXPECT_NE(plain, flipped);
  EXPECT_NE(all, flipped);
  EXPECT_EQ(all, epochs({"--augment", "flip,shift=2,crop=1", "--threads", "3"}));
  const Result large = run({"train", directory.path(), "--augment", "shift=8"});
  EXPECT_EQ(large.code, 2);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "shift 8 for images of [8, 8]: choose 0 to 7", large.err);
}

TEST(Train, MappedTable) {
  const Directory directory;
  Tensor table(DType::f32, {80, 4});
  for (size_t i = 0; i < 320; ++i)
    table.values<float>()[i] = i % 4 == 3 ? float(i / 4 % 2) : float(i * 37 % 11) + float(i / 4 % 2);
  save_npy(directory.path("a.npy"), table);
  const Arguments loaded = {directory.path("a.npy"), "--epochs", "3"};
  Arguments mapped = loaded;
  mapped.push_back("--map");
  EXPECT_EQ(timeless(train(mapped)), timeless(train(loaded)));
  const Result refused = run({"train", directory.write_classes("a.csv", 20), "--map"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "--map is for .npy files, not ", refused.err);
}

TEST(Train, ImagesInTheOtherSpelling) {
  const Directory directory;
  directory.write_images("train", {0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1});
  directory.write_images("t10k", {0, 1, 1, 0, 1, 0});
  for (const char* part : {"train", "t10k"}) {
    rename(directory.path(std::string(part) + "-images-idx3-ubyte").c_str(),
           directory.path(std::string(part) + "-images.idx3-ubyte").c_str());
    rename(directory.path(std::string(part) + "-labels-idx1-ubyte").c_str(),
           directory.path(std::string(part) + "-labels.idx1-ubyte").c_str());
  }
  EXPECT_EQ(train({directory.path(), "--epochs", "1"})["task"], "classify");
}

TEST(Train, PlanAndPredictions) {
  const Directory directory;
  const Result result =
      run({"train", directory.write_classes("a.csv", 60), "--epochs", "1", "--plan", "--show", "4"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "matmul/nn/f32/m32~", result.out);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "4 test rows", result.out);
}

TEST(Train, NamesMistakes) {
  const Arguments mistaken = {"train", iris_npy, "--epochs", "2", "--optimizer", "adam", "--lr", "3", "--batch", "1000", "--json"};
  const Result warned = run(mistaken);
  EXPECT_EQ(warned.code, 0) << warned.err;
  const json findings = parse_json(warned.out)["findings"];
  ASSERT_GE(findings.size(), 2u);
  EXPECT_EQ(findings[0]["id"], "learning-rate-too-high");
  EXPECT_EQ(findings[1]["id"], "batch-larger-than-data");
  for (const json& finding : findings) {
    EXPECT_EQ(keys(finding), (Keys{"id", "message", "remedy"}));
    const std::string line = "plexus: warning: " + finding["message"].get<std::string>() + ": " +
                             finding["remedy"].get<std::string>() + " [" + finding["id"].get<std::string>() + "]\n";
    EXPECT_EQ(warned.err.find(line), warned.err.rfind(line)) << line;
    EXPECT_NE(warned.err.find(line), std::string::npos) << line;
  }

  Arguments silent = mistaken;
  silent.push_back("--no-diagnosis");
  const Result unwatched = run(silent);
  EXPECT_EQ(parse_json(unwatched.out)["findings"], json::array());
  EXPECT_EQ(unwatched.err.find("warning"), std::string::npos) << unwatched.err;
  EXPECT_EQ(parse_json(unwatched.out)["test"], parse_json(warned.out)["test"]);
}

TEST(Train, FullDiskIsAnError) {
  const Directory directory;
  const std::string table = directory.write_classes("a.csv", 40);
  const std::string command =
      std::string("'" PLEXUS_COMMAND "' train ") + table + " --epochs 1 --json > /dev/full 2>&1";
  EXPECT_EQ(WEXITSTATUS(std::system(command.c_str())), 5);
}

TEST(Plan, ShowsStepAndPrediction) {
  const Result result =
      run({"plan", "--layers", "256,relu,128,relu", "--batch", "64", "--input", "784", "--classes", "10",
                             "--backend", "reference"});
  EXPECT_EQ(result.code, 0) << result.err;
  for (const char* part : {"matmul/nn/f32/m64~/n256/k784", "matmul/nt/f32", "matmul/tn/f32", "update/adam",
                           "activation", "loss/softmax", "training step", "prediction", "reference"})
    EXPECT_PRED_FORMAT2(testing::IsSubstring, part, result.out);
}

}  // namespace
}  // namespace plexus::test

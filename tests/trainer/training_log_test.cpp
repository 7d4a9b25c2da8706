#include "plexus/trainer/training_log.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "plexus/core/error.h"
#include "plexus/layers/dense.h"
#include "plexus/trainer/trainer.h"
#include "trainer/example_data.h"
#include "core/message.h"

namespace plexus {
namespace {

namespace fs = std::filesystem;

struct Log : testing::Test {
  Log() {
    directory = fs::path(testing::TempDir()) /
                (std::string("plexus-log-") + testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(directory);
    fs::create_directory(directory);
  }
  ~Log() override { fs::remove_all(directory); }

  std::string path(const char* name) const { return (directory / name).string(); }
  static std::string text(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static std::vector<std::string> lines(const std::string& path) {
    std::istringstream stream(text(path));
    std::vector<std::string> result;
    for (std::string line; std::getline(stream, line);) result.push_back(line);
    return result;
  }
  History train(TrainingLog& log, int64_t epochs = 2, bool validation = true) {
    Sequential network(Dense(3));
    Trainer trainer(network, {.optimizer = Sgd{.learning_rate = 0.25f},
                              .schedule = ExponentialDecay{.factor = 0.5},
                              .threads = 1});
    FitOptions fit{.epochs = epochs, .batch_size = 32, .callbacks = {&log}};
    if (validation) fit.validation = blobs(20, 2, 3, 5);
    return trainer.fit(blobs(40, 2, 3), fit);
  }
  fs::path directory;
};

TEST_F(Log, EpochsAsCsv) {
  TrainingLog log(path("a.csv"));
  const History history = train(log);
  const std::vector<std::string> all = lines(path("a.csv"));
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0], "epoch,train_loss,validation_loss,validation_accuracy,learning_rate,seconds");
  for (size_t i = 0; i < 2; ++i) {
    const Epoch& e = history.epochs[i];
    std::istringstream line(all[i + 1]);
    std::vector<double> values;
    for (std::string word; std::getline(line, word, ',');) values.push_back(std::stod(word));
    EXPECT_EQ(values, (std::vector<double>{double(i + 1), e.train_loss, e.validation_loss,
                                           e.validation_accuracy, i == 0 ? 0.25 : 0.125, e.seconds}));
  }
}

TEST_F(Log, WhatIsNotThereIsEmptyOrNull) {
  TrainingLog csv(path("a.csv")), json(path("a.jsonl"));
  train(csv, 1, false);
  train(json, 1, false);
  EXPECT_NE(lines(path("a.csv"))[1].find(",,,0.25,"), std::string::npos) << text(path("a.csv"));
  const auto record = nlohmann::json::parse(text(path("a.jsonl")));
  EXPECT_TRUE(record.at("validation_loss").is_null());
  EXPECT_TRUE(record.at("validation_accuracy").is_null());
}

TEST_F(Log, EpochsAsJsonLines) {
  TrainingLog log(path("a.jsonl"));
  const History history = train(log);
  const std::vector<std::string> all = lines(path("a.jsonl"));
  ASSERT_EQ(all.size(), 2u);
  const auto record = nlohmann::json::parse(all[1]);
  EXPECT_EQ(record.size(), 6u);
  EXPECT_EQ(record.at("epoch"), 2);
  EXPECT_EQ(record.at("train_loss"), history.epochs[1].train_loss);
  EXPECT_EQ(record.at("validation_loss"), history.epochs[1].validation_loss);
  EXPECT_EQ(record.at("validation_accuracy"), history.epochs[1].validation_accuracy);
  EXPECT_EQ(record.at("learning_rate"), 0.125);
  EXPECT_EQ(record.at("seconds"), history.epochs[1].seconds);
}

TEST_F(Log, Steps) {
  TrainingLog csv(path("a.csv"), {.steps = true}), json(path("a.jsonl"), {.steps = true});
  train(csv);
  train(json);
  const std::vector<std::string> all = lines(path("a.csv")), objects = lines(path("a.jsonl"));
  ASSERT_EQ(all.size(), 5u);
  ASSERT_EQ(objects.size(), 4u);
  EXPECT_EQ(all[0], "epoch,step,rows,loss,learning_rate");
  EXPECT_EQ(all[1].rfind("1,1,32,", 0), 0u) << all[1];
  EXPECT_TRUE(all[4].rfind("2,2,40,", 0) == 0 && all[4].ends_with(",0.125")) << all[4];
  const auto record = nlohmann::json::parse(objects[3]);
  EXPECT_EQ(record.at("rows"), 40);
  EXPECT_EQ(record.at("learning_rate"), 0.125);
}

TEST_F(Log, LearningRatesHaveTheDigitsOfAFloat) {
  TrainingLog log(path("a.csv"), {.steps = true});
  Sequential network(Dense(3));
  Trainer(network, {.optimizer = Sgd{.learning_rate = 0.01f}, .threads = 1})
      .fit(blobs(40, 2, 3), {.batch_size = 40, .callbacks = {&log}});
  EXPECT_TRUE(lines(path("a.csv")).back().ends_with(",0.01")) << text(path("a.csv"));
}

TEST_F(Log, ReplacesOrAppends) {
  const std::string file = path("a.csv");
  for (int run = 0; run < 2; ++run) {
    TrainingLog log(file);
    train(log);
    EXPECT_EQ(lines(file).size(), 3u);
  }
  TrainingLog log(file, {.append = true});
  train(log);
  EXPECT_EQ(lines(file).size(), 5u);
  TrainingLog fresh(path("b.csv"), {.append = true});
  train(fresh);
  EXPECT_EQ(lines(path("b.csv")).size(), 3u);
  train(fresh);  // the same log in another fit goes on
  EXPECT_EQ(lines(path("b.csv")).size(), 5u);
}

TEST_F(Log, ResumedGoesOnBehindTheCheckpoint) {
  const std::string file = path("a.csv");
  std::string state;
  {
    TrainingLog log(file, {.steps = true});
    train(log, 2);
    state = log.state();
    train(log, 1);  // these lines come behind the checkpoint
  }
  const std::vector<std::string> before = lines(file);
  EXPECT_EQ(before.size(), 7u);
  TrainingLog resumed(file, {.steps = true});
  resumed.restore(state);
  EXPECT_EQ(resumed.state(), state);
  train(resumed, 1);
  EXPECT_EQ(lines(file), before);

  fs::resize_file(file, 0);  // lost: it begins again
  TrainingLog lost(file, {.steps = true});
  lost.restore(state);
  train(lost, 1);
  EXPECT_EQ(lines(file).size(), 3u);
  EXPECT_EQ(lines(file)[0], "epoch,step,rows,loss,learning_rate");
}

TEST_F(Log, MistakesAreNamed) {
  EXPECT_EQ(message<ArgumentError>([] { TrainingLog log("run.txt"); }),
            "training log: 'run.txt': choose a name that ends in .csv or .jsonl");
  TrainingLog log(path("none/a.csv"));
  EXPECT_EQ(message<IoError>([&] { train(log); }),
            path("none/a.csv") + ": cannot write: No such file or directory");
  EXPECT_EQ(message<FormatError>([&] { log.restore("{\"bytes\":-1}"); }),
            "state of callback 'training_log.a.csv': expected a whole number 'bytes' of at least 0");
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  fs::create_symlink("/dev/full", path("full.csv"));
  TrainingLog on_full(path("full.csv"));
  EXPECT_EQ(message<IoError>([&] { train(on_full); }),
            path("full.csv") + ": cannot write: No space left on device");
}

}  // namespace
}  // namespace plexus

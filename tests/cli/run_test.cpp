// plexus train --checkpoint and --run, plexus replay: flags, files, verdicts.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/command.h"
#include "cli/files.h"
#include "cli/json.h"
#include "plexus/trainer/checkpoint.h"

namespace plexus::test {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

std::vector<std::string> lines(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> result;
  for (std::string line; std::getline(file, line);) result.push_back(line);
  return result;
}

struct RunDirectory : testing::Test {
  Directory directory;
  std::string table = directory.write_classes("a.csv", 60), place = directory.path("run");

  Arguments train(const Arguments& more = {}) const {
    Arguments arguments = {"train", table,   "--layers", "6,tanh,dropout:0.1", "--epochs", "3", "--batch",
                           "8",     "--run", place};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  std::string verdict(const Arguments& more = {}, int code = 0) const {
    Arguments arguments = {"replay", place};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Result result = run(arguments);
    EXPECT_EQ(result.code, code) << result.out << result.err;
    const size_t end = result.out.size() - 1, begin = result.out.rfind('\n', end - 1) + 1;
    return result.out.substr(begin, end - begin);
  }
  void edit(const std::string& name, const std::string& from, const std::string& to) const {
    std::string text = read_file(place + "/" + name);
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    std::ofstream(place + "/" + name, std::ios::binary) << text.replace(at, from.size(), to);
  }
};

TEST_F(RunDirectory, HoldsAllOfTheRunAndReplaysIt) {
  const Result trained = run(train({"--seed", "5", "--threads", "2"}));
  ASSERT_EQ(trained.code, 0) << trained.err;
  const json manifest = parse_json(read_file(place + "/manifest.json"));
  EXPECT_EQ(manifest["seed"], 5);
  EXPECT_EQ(manifest["threads"], 2);
  EXPECT_EQ(manifest["arguments"][0], table);
  EXPECT_EQ(manifest["data"]["train"].get<std::string>().size(), 16u);
  EXPECT_FALSE(manifest["backends"].empty());
  EXPECT_EQ(lines(place + "/metrics.jsonl").size(), 3u);
  EXPECT_EQ(parse_json(lines(place + "/metrics.jsonl")[2])["epoch"], 3);
  EXPECT_EQ(lines(place + "/trace.jsonl").size(), 18u);
  EXPECT_TRUE(fs::exists(place + "/model.safetensors"));
  EXPECT_EQ(load_checkpoint(place + "/checkpoints/step-000000000018.checkpoint").epoch, 3);

  const std::string identical = "identical: 18 points up to step 18, and every tensor of the model";
  EXPECT_EQ(verdict(), identical);
  EXPECT_EQ(verdict({"--threads", "1"}), identical);
  // From elsewhere, and moved.
  fs::rename(place, directory.path("moved"));
  place = directory.path("moved");
  EXPECT_EQ(verdict(), identical);
  EXPECT_EQ(run(train({"--seed", "5", "--resume"})).code, 0);
  EXPECT_EQ(run(train()).code, 2);  // it is not written over
}

TEST_F(RunDirectory, ReplayNamesTheFirstDifference) {
  ASSERT_EQ(run(train()).code, 0);
  const std::string trace = read_file(place + "/trace.jsonl");
  const json seventh = parse_json(lines(place + "/trace.jsonl")[6]);
  ASSERT_EQ(seventh["step"], 7);
  edit("trace.jsonl", seventh["tensors"]["3.weight"].get<std::string>(), "0123456789abcdef");
  EXPECT_EQ(verdict({}, 1), "differs: step 7 (epoch 2): tensor 3.weight; step 6 was the same");

  std::ofstream(place + "/trace.jsonl") << trace;
  edit("trace.jsonl", "\"loss\":" + parse_json(lines(place + "/trace.jsonl")[3])["loss"].dump(),
       "\"loss\":2.5");
  const std::string loss = verdict({}, 1);
  EXPECT_TRUE(loss.starts_with("differs: step 4 (epoch 1): loss 0.") &&
              loss.ends_with(" instead of 2.5; step 3 was the same"))
      << loss;

  std::ofstream(place + "/trace.jsonl") << trace;
  edit("manifest.json", "--layers=6,tanh,dropout:0.1", "--layers=6,tanh,dropout:0.2");
  EXPECT_TRUE(verdict({}, 1).starts_with("differs: step 1 (epoch 1): tensor ")) << verdict({}, 1);
  edit("manifest.json", "--layers=6,tanh,dropout:0.2", "--layers=6,tanh,dropout:0.1");

  std::string model = read_file(place + "/model.safetensors");
  model.back() = char(model.back() ^ 1);
  std::ofstream(place + "/model.safetensors", std::ios::binary) << model;
  EXPECT_TRUE(verdict({}, 1).starts_with("differs: model: tensor ")) << verdict({}, 1);
}

TEST_F(RunDirectory, ReplayNamesChangedData) {
  ASSERT_EQ(run(train()).code, 0);
  const json manifest = parse_json(read_file(place + "/manifest.json"));
  std::string text = read_file(table);
  const size_t digit = text.find_first_of("123456789", 200);
  text[digit] = text[digit] == '9' ? '8' : '9';
  std::ofstream(table) << text;
  const std::string line = verdict({}, 1);
  EXPECT_TRUE(line.starts_with("differs: data: the training data have the fingerprint ") &&
              line.ends_with(" instead of " + manifest["data"]["train"].get<std::string>()))
      << line;
  // The data as they were lie somewhere else now.
  EXPECT_EQ(verdict({"--data", directory.write_classes("b.csv", 60)}),
            "identical: 18 points up to step 18, and every tensor of the model");
}

TEST_F(RunDirectory, AResumedRunLeavesTheSameFiles) {
  ASSERT_EQ(run(train()).code, 0);
  const std::string trace = read_file(place + "/trace.jsonl"), model = read_file(place + "/model.safetensors");
  place = directory.path("short");
  ASSERT_EQ(
      run({"train", table, "--layers", "6,tanh,dropout:0.1", "--epochs", "2", "--batch", "8", "--run", place})
          .code,
      0);
  // A line that is half written and lines behind the checkpoint are what a kill leaves.
  std::ofstream(place + "/trace.jsonl", std::ios::app)
      << "{\"step\":13,\"epoch\":3,\"loss\":1,\"tensors\":{}}\n{\"step\":";
  std::ofstream(place + "/metrics.jsonl", std::ios::app) << "{\"epo";
  ASSERT_EQ(run(train({"--resume", "--threads", "2"})).code, 0);
  EXPECT_EQ(read_file(place + "/trace.jsonl"), trace);
  EXPECT_EQ(read_file(place + "/model.safetensors"), model);
  ASSERT_EQ(lines(place + "/metrics.jsonl").size(), 3u);
  for (const std::string& line : lines(place + "/metrics.jsonl")) EXPECT_TRUE(json::accept(line)) << line;
}

TEST_F(RunDirectory, InspectShowsACheckpoint) {
  ASSERT_EQ(run(train({"--threads", "1", "--backend", "reference"})).code, 0);
  const Result result = run({"inspect", place + "/checkpoints/step-000000000018.checkpoint"});
  EXPECT_EQ(result.code, 0) << result.err;
  for (const char* part : {"with backend reference (", " on 1 thread\nafter epoch 3, 6 steps of it\n",
                           "0.weight.first", "callback training_log.", "settings {\"architecture\":{"})
    EXPECT_PRED_FORMAT2(testing::IsSubstring, part, result.out);
}

TEST_F(RunDirectory, WhatIsWrongIsSaid) {
  const auto error = [&](const Arguments& arguments, int code) {
    const Result result = run(arguments);
    EXPECT_EQ(result.code, code) << result.err;
    return result.err;
  };
  EXPECT_EQ(error({"train", table, "--resume"}, 2),
            "plexus: error: --resume needs --checkpoint DIR or --run DIR\n");
  EXPECT_EQ(error({"train", table, "--every", "5"}, 2),
            "plexus: error: --every needs --checkpoint DIR or --run DIR\n");
  for (const char* wrong : {"0", "-3", "5x", "1.5", "s", "1 epoch"})
    EXPECT_EQ(
        error({"train", table, "--checkpoint", place, std::string("--every=") + wrong}, 2),
        std::string("plexus: error: --every: expected a time (30s, 10m, 2h), a number of steps (500) or of "
                    "epochs (1epoch), found '") +
            wrong + "'; see plexus train --help\n");
  ASSERT_EQ(run(train({"--every", "1epoch", "--keep", "5"})).code, 0);
  EXPECT_EQ(std::distance(fs::directory_iterator(place + "/checkpoints"), fs::directory_iterator()), 3);
  EXPECT_EQ(error(train(), 2),
            "plexus: error: " + place +
                ": holds a run already: --resume goes on with it, or choose another directory\n");
  EXPECT_PRED_FORMAT2(testing::IsSubstring,
                      "resume: batch_size was 8 and is 9 now: give what the run began with",
                      error({"train", table, "--layers", "6,tanh,dropout:0.1", "--epochs", "3", "--batch",
                             "9", "--run", place, "--resume"},
                            2));
  EXPECT_EQ(error({"replay", directory.path("nowhere")}, 5),
            "plexus: error: " + directory.path("nowhere") +
                "/manifest.json: cannot open: No such file or directory\n");
  edit("manifest.json", "\"arguments\"", "\"argument\"");
  EXPECT_EQ(error({"replay", place}, 3),
            "plexus: error: " + place + "/manifest.json: is no manifest of a run\n");
}

}  // namespace
}  // namespace plexus::test

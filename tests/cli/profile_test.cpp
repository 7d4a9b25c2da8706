// PLEXUS_PROFILE: what a training leaves in the file, however it ends.
#include <gtest/gtest.h>
#include <signal.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/files.h"
#include "cli/json.h"

namespace plexus::test {
namespace {

using nlohmann::json;

Arguments training(const std::string& data, const std::string& epochs) {
  return {"train", data, "--layers", "8,relu", "--epochs", epochs, "--batch", "16", "--backend", "reference", "--threads", "1"};
}

std::vector<json> events(const json& file, const std::string& name) {
  std::vector<json> list;
  for (const json& event : file)
    if (event["ph"] == "X" && event["name"] == name) list.push_back(event);
  return list;
}

/// Within one of these, to the nanosecond.
bool within(const json& event, const std::vector<json>& around) {
  const auto begin = [](const json& e) { return std::llround(1000 * double(e["ts"])); };
  const auto end = [&](const json& e) { return begin(e) + std::llround(1000 * double(e["dur"])); };
  return std::any_of(around.begin(), around.end(),
                     [&](const json& outer) { return begin(outer) <= begin(event) && end(event) <= end(outer); });
}

TEST(Profile, HasEpochsStepsAndOperations) {
  const Directory directory;
  const std::string file = directory.path("profile.json");
  const Result result =
      run(training(directory.write_classes("data.csv", 100), "3"), {{"PLEXUS_PROFILE", file}});
  EXPECT_EQ(result.code, 0) << result.err;
  const json profile = read_json(file);
  const auto fits = events(profile, "fit"), epochs = events(profile, "epoch"), steps = events(profile, "step"),
             evaluations = events(profile, "evaluation");
  EXPECT_EQ(fits.size(), 1u);
  ASSERT_EQ(epochs.size(), 3u);
  for (size_t i = 0; i < epochs.size(); i++) EXPECT_EQ(epochs[i]["args"]["epoch"], i + 1);
  EXPECT_GE(evaluations.size(), 1u);
  ASSERT_GE(steps.size(), 1u);
  EXPECT_EQ(steps[0]["args"]["step"], 1);
  for (const json& epoch : epochs) EXPECT_TRUE(within(epoch, fits));
  for (const json& step : steps) EXPECT_TRUE(within(step, epochs));
  std::vector<json> outer = steps;
  for (const json& look : events(profile, "diagnosis")) outer.push_back(look);
  for (const json& batch : events(profile, "batch")) {
    EXPECT_TRUE(within(batch, evaluations));
    outer.push_back(batch);
  }
  for (const char* name : {"gather", "0 Dense", "loss", "0 Dense dW"}) {
    const auto inner = events(profile, name);
    EXPECT_GE(inner.size(), steps.size()) << name;
    for (const json& event : inner) EXPECT_TRUE(within(event, outer)) << event;
  }
  for (const json& event : events(profile, "2 Dense dW")) EXPECT_GT(event["args"]["flops"], 0);
}

TEST(Profile, IsNotThereUnlessAskedFor) {
  const Directory directory;
  const std::string data = directory.write_classes("data.csv", 100);
  EXPECT_EQ(run(training(data, "1")).code, 0);
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
    EXPECT_EQ(entry.path(), data);
    files++;
  }
  EXPECT_EQ(files, 1u);
}

TEST(Profile, IsWholeAfterAnInterruptionAndAfterAKill) {
  const Directory directory;
  const std::string data = directory.write_classes("data.csv", 2000);
  for (const int number : {SIGINT, SIGTERM, SIGKILL}) {
    const std::string file = directory.path("profile" + std::to_string(number));
    Process process(training(data, "1000000"), {{"PLEXUS_PROFILE", file}});
    process.wait_for("epoch");
    process.signal(number);
    const Result result = process.wait();
    EXPECT_EQ(result.code, number == SIGKILL ? -SIGKILL : 128 + number) << result.err;
    std::ifstream stream(file);
    std::string text(std::istreambuf_iterator<char>(stream), {});
    // Killed while it writes: an array that is cut off, within an event perhaps.
    if (number == SIGKILL && !text.ends_with("\n]\n")) text.replace(text.rfind(",\n"), std::string::npos, "\n]\n");
    const json profile = parse_json(text);
    EXPECT_EQ(profile[0]["name"], "process_name");
    if (number == SIGKILL) continue;  // what is missing is at most a second
    EXPECT_EQ(events(profile, "fit").size(), 1u);
    EXPECT_GE(events(profile, "step").size(), 1u);
  }
}

TEST(Profile, AFileThatCannotBeWrittenIsAnErrorBeforeAnythingBegins) {
  const Directory directory;
  const std::string data = directory.write_classes("data.csv", 100);
  const Result result = run(training(data, "1"), {{"PLEXUS_PROFILE", "/no/such/place.json"}});
  EXPECT_EQ(result.code, 5);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err,
            "plexus: error: /no/such/place.json: cannot write the profile: No such file or directory\n");
  const Result empty = run(training(data, "1"), {{"PLEXUS_PROFILE", ""}});
  EXPECT_EQ(empty.code, 2);
  EXPECT_EQ(empty.err, "plexus: error: PLEXUS_PROFILE: '' is not valid; valid: a file to write\n");
}

}  // namespace
}  // namespace plexus::test

// plexus train --find-lr: a rate that trains well, and nothing else done.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/files.h"
#include "cli/json.h"

namespace plexus::test {
namespace {

using Json = nlohmann::json;

double trained_loss(double rate) {
  const Result result =
      run({"train", iris, "--layers", "10,relu", "--epochs", "15", "--lr", Json(rate).dump(), "--json"});
  if (result.code == 3) return INFINITY;  // diverged
  EXPECT_EQ(result.code, 0) << result.err;
  return parse_json(result.out)["epochs"].back()["train_loss"];
}

TEST(FindRate, SuggestsARateThatTrainsWell) {
  const Result result = run({"train", iris, "--layers", "10,relu", "--find-lr", "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  const Json found = parse_json(result.out);
  const double rate = found["suggestion"];
  EXPECT_LT(trained_loss(rate), trained_loss(rate / 100));
  EXPECT_LT(trained_loss(rate), trained_loss(rate * 100));
  EXPECT_LE(rate, found["lowest"].get<double>());
  EXPECT_GE(found["steps"].size(), 20u);
  EXPECT_NEAR(found["steps"][0]["learning_rate"].get<double>(), 1e-7, 1e-12);

  const Result text = run({"train", iris, "--layers", "10,relu", "--find-lr"});
  char line[64];
  std::snprintf(line, sizeof line, "suggestion  --lr %.2g\n", rate);
  EXPECT_TRUE(text.out.ends_with(line)) << text.out;
  for (const char* mark : {"<- falls most steeply", "<- lowest", "####"})
    EXPECT_PRED_FORMAT2(testing::IsSubstring, mark, text.out);
}

TEST(FindRate, RefusesWhatATrainingWrites) {
  const Directory directory;
  const auto error = [](const Arguments& more, const std::string& text) {
    Arguments arguments = {"train", iris, "--find-lr"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Result result = run(arguments);
    EXPECT_EQ(result.code, 2);
    EXPECT_EQ(result.err, "plexus: error: " + text + "\n");
  };
  const std::string remedy = "train with the rate that it finds";
  error({"--lr", "0.1"}, "--lr is for one training, not for --find-lr: it tries all of them");
  error({"--seeds", "3"}, "--seeds and --find-lr exclude each other: " + remedy);
  error({"--out", directory.path("m.safetensors")},
        "--out is for one training, not for --find-lr: " + remedy);
  error({"--run", directory.path("run")}, "--run is for one training, not for --find-lr: " + remedy);
}

}  // namespace
}  // namespace plexus::test

// plexus tune, and --backend auto wherever it is accepted.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/command.h"
#include "cli/files.h"
#include "cli/json.h"

namespace plexus::test {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

struct Tune : testing::Test {
  Directory directory;
  std::string table = directory.write_classes("a.csv", 60), place = directory.path("run");

  Variables variables(const std::string& cache = "cache") const {
    return {{"XDG_CACHE_HOME", directory.path(cache)}, {"PLEXUS_NUM_THREADS", "2"}};
  }
  Arguments train(const Arguments& more = {}) const {
    Arguments arguments = {"train", table, "--layers", "6,tanh", "--batch", "8", "--run", place};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  json manifest() const { return read_json(place + "/manifest.json"); }
};

TEST_F(Tune, PrintsTheCandidatesAndTheChoice) {
  const Arguments arguments = {"tune", "--layers", "8,relu", "--input", "5", "--classes", "3", "--batch", "4", "--json"};
  const Result first = run(arguments, variables());
  ASSERT_EQ(first.code, 0) << first.err;
  const json tuning = parse_json(first.out);
  EXPECT_GT(tuning["steps"], 0);
  EXPECT_EQ(tuning["source"], "");
  int chosen = 0;
  for (const json& candidate : tuning["candidates"]) {
    if (candidate["verdict"] != "chosen") continue;
    chosen++;
    EXPECT_EQ(candidate["backend"], tuning["backend"]);
    EXPECT_EQ(candidate["threads"], tuning["threads"]);
    EXPECT_EQ(candidate["ratio"], 1.0);
    EXPECT_GT(candidate["microseconds"], 0);
  }
  EXPECT_EQ(chosen, 1);

  const json again = parse_json(run(arguments, variables()).out);
  EXPECT_EQ(again["steps"], 0);
  EXPECT_TRUE(again["source"].get<std::string>().starts_with(directory.path("cache/plexus/tuning-")));
  json kept = again["candidates"], measured = tuning["candidates"];
  ASSERT_EQ(kept.size(), measured.size());
  for (size_t i = 0; i < kept.size(); i++) {  // a ratio is of times that the file has to 15 digits
    if (kept[i]["ratio"].is_number()) {
      EXPECT_NEAR(kept[i]["ratio"], double(measured[i]["ratio"]), 1e-12);
    }
    kept[i].erase("ratio"), measured[i].erase("ratio");
  }
  EXPECT_EQ(kept, measured);
  Arguments more = arguments;
  more.back() = "--fresh";
  const Result fresh = run(more, variables());
  EXPECT_EQ(fresh.code, 0) << fresh.err;
  EXPECT_TRUE(fresh.out.starts_with("backend    threads     us/step   ratio  verdict\n")) << fresh.out;
  EXPECT_EQ(fresh.out.find("measured before"), std::string::npos);
  more.back() = "--no-cache";
  Variables profiled = variables("other");
  profiled["PLEXUS_PROFILE"] = directory.path("profile.json");  // of trainings, not of candidates
  EXPECT_EQ(run(more, profiled).code, 0);
  EXPECT_FALSE(fs::exists(directory.path("profile.json")));
  EXPECT_FALSE(fs::exists(directory.path("other")));
}

TEST_F(Tune, WhatIsWrongIsSaid) {
  EXPECT_EQ(run({"tune", "--fresh", "--no-cache"}).err,
            "plexus: error: --no-cache and --fresh exclude each other: --fresh writes to the cache\n");
  const Result unknown = run({"tune", "--no-cache", "--backends", "referense"});
  EXPECT_EQ(unknown.code, 4);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "unknown backend 'referense': did you mean 'reference'?", unknown.err);
  EXPECT_EQ(run({"tune", "--classes", "1"}).code, 2);
}

TEST_F(Tune, ARunKeepsItsChoiceAndReplaysWithoutMeasuring) {
  const Result trained = run(train({"--epochs", "2", "--backend", "auto"}), variables());
  ASSERT_EQ(trained.code, 0) << trained.err;
  const json then = manifest();
  EXPECT_EQ(then["auto"], true);
  const std::string backend = then["backend"], threads = std::to_string(then["threads"].get<int>());
  EXPECT_TRUE(trained.out.starts_with("auto      " + backend + " on " + threads + " thread")) << trained.out;

  const Result replayed = run({"replay", place}, variables("other"));
  EXPECT_EQ(replayed.code, 0) << replayed.err;
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "identical: ", replayed.out);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "backend   " + backend + ", " + threads + " thread", replayed.out);
  const Result resumed = run(train({"--epochs", "4", "--backend", "auto", "--resume"}), variables("other"));
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "backend   " + backend + ", " + threads + " thread", resumed.out);
  // Checkpoints alone know it, too.
  const Result went_on = run({"train", table, "--layers", "6,tanh", "--batch", "8", "--epochs", "1", "--backend", "auto",
                              "--checkpoint", directory.path("checkpoints")},
                             variables());
  EXPECT_EQ(went_on.code, 0) << went_on.err;
  const Result further = run({"train", table, "--layers", "6,tanh", "--batch", "8", "--epochs", "2", "--backend", "auto",
                              "--checkpoint", directory.path("checkpoints"), "--resume"},
                             variables("other"));
  EXPECT_EQ(further.code, 0) << further.err;
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "(as in " + directory.path("checkpoints/step-"), further.out);
  EXPECT_FALSE(fs::exists(directory.path("other")));
}

TEST_F(Tune, ANamedRunIsNoneOfAuto) {
  ASSERT_EQ(run(train({"--epochs", "1", "--backend", "reference"}), variables()).code, 0);
  EXPECT_EQ(manifest()["auto"], false);
  EXPECT_FALSE(fs::exists(directory.path("cache")));
}

TEST_F(Tune, WhoDoesNotTrainHasTheDefault) {
  ASSERT_EQ(run(train({"--epochs", "1"})).code, 0);
  Variables automatic = variables();
  automatic["PLEXUS_BACKEND"] = "auto";
  const std::string model = place + "/model.safetensors";
  for (const Arguments& arguments : {Arguments{"predict", model, table}, Arguments{"evaluate", model, table},
                                     Arguments{"explain", model, table}, Arguments{"compare", model, model, table},
                                     Arguments{"info"}}) {
    const Result result = run(arguments, automatic), usual = run(arguments, variables());
    EXPECT_EQ(result.code, usual.code) << arguments[0] << ": " << result.err;
    EXPECT_TRUE(arguments[0] == "info" || result.out == usual.out) << arguments[0];
  }
  EXPECT_FALSE(fs::exists(directory.path("cache")));
}

}  // namespace
}  // namespace plexus::test

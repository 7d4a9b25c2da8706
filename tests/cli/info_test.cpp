// plexus info: what it knows, and that it still tells when the environment is wrong.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "plexus/backends/registry.h"
#include "plexus/core/cpu.h"

namespace plexus::test {
namespace {

using nlohmann::json;

TEST(Info, Text) {
  const Result result = run({"info"});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.err, "");
  EXPECT_PRED_FORMAT2(testing::IsSubstring, build_description(), result.out);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, cpu().name, result.out);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "PLEXUS_BACKEND", result.out);
  for (const BackendRow& row : backends()) {
    EXPECT_PRED_FORMAT2(testing::IsSubstring, row.name, result.out);
    EXPECT_PRED_FORMAT2(testing::IsSubstring, row.usable ? row.description : row.reason, result.out);
  }
}

TEST(Info, Json) {
  const Result result = run({"info", "--json"}, {{"PLEXUS_NUM_THREADS", "3"}});
  EXPECT_EQ(result.code, 0);
  const json info = json::parse(result.out);
  EXPECT_EQ(info["version"], version());
  EXPECT_EQ(info["threads"], 3);
  EXPECT_EQ(info["cpu"]["architecture"], cpu().architecture);
  EXPECT_EQ(info["backends"].size(), backends().size());
  bool found = false;
  for (const json& setting : info["environment"])
    if (setting["variable"] == "PLEXUS_NUM_THREADS") {
      found = true;
      EXPECT_EQ(setting["value"], "3");
      EXPECT_EQ(setting["origin"], "environment");
    }
  EXPECT_TRUE(found);
}

TEST(Info, FlagsOverrideTheEnvironment) {
  const Result result = run({"info", "--json", "--threads", "2"}, {{"PLEXUS_NUM_THREADS", "3"}});
  EXPECT_EQ(json::parse(result.out)["threads"], 2);
}

TEST(Info, WrongEnvironmentStillShowsTheTable) {
  const Result backend = run({"info"}, {{"PLEXUS_BACKEND", "referense"}});
  EXPECT_EQ(backend.code, 4);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "PLEXUS_WITH_SIMD", backend.out);
  EXPECT_TRUE(backend.err.starts_with("plexus: error: ")) << backend.err;

  const Result threads = run({"info", "--json"}, {{"PLEXUS_NUM_THREADS", "many"}});
  EXPECT_EQ(threads.code, 2);
  const json info = json::parse(threads.out);
  EXPECT_TRUE(info["threads"].is_null());
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "PLEXUS_NUM_THREADS", info["error"].get<std::string>());
  EXPECT_GE(info["backends"].size(), 1u);
}

}  // namespace
}  // namespace plexus::test

// plexus info: what it knows, and that it still tells when the environment is wrong.
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/json.h"
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
  const json info = parse_json(result.out);
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
  EXPECT_EQ(parse_json(result.out)["threads"], 2);
}

/// The row of a backend in the JSON.
json row(const json& info, const std::string& name) {
  for (const json& row : info["backends"])
    if (row["name"] == name) return row;
  ADD_FAILURE() << "no backend " << name;
  return {};
}

TEST(Info, ListsPluginsAndLoadsThemWhenAskedTo) {
  const Variables path = {{"PLEXUS_BACKEND_PATH", std::string(ZOO_DIRECTORY) + ":" + EXAMPLE_DIRECTORY}};
  const Result text = run({"info"}, path);
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "not loaded  a plugin, loaded when named", text.out);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, std::string(EXAMPLE_DIRECTORY) + "/relu_matmul.so", text.out);
  const json listed = parse_json(run({"info", "--json"}, path).out);
  EXPECT_EQ(row(listed, "relu_matmul")["loaded"], false);
  EXPECT_EQ(row(listed, "null_table")["usable"], true) << "nobody has looked inside yet";

  const Result loading = run({"info", "--load", "--json"}, path);
  EXPECT_EQ(loading.code, 0) << loading.err;
  const json loaded = parse_json(loading.out);
  EXPECT_EQ(row(loaded, "relu_matmul")["loaded"], true);
  EXPECT_EQ(row(loaded, "relu_matmul")["description"], "an example: relu and matrix products");
  EXPECT_EQ(row(loaded, "null_table")["usable"], false);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "returned no backend",
                      row(loaded, "null_table")["reason"].get<std::string>());
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "NaN into an activation",
                      row(loaded, "deviates")["deviations"].get<std::string>());
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "floating-point modes",
                      row(loaded, "flushes_denormals")["note"].get<std::string>());
}

TEST(Info, Kernels) {
  const Variables path = {{"PLEXUS_BACKEND_PATH", ZOO_DIRECTORY}};
  const json info = parse_json(run({"info", "--kernels", "--json", "--backend", "deviates"}, path).out);
  std::map<std::string, json> rows;
  for (const json& kernel : info["kernels"]) rows[kernel["operation"]] = kernel;
  EXPECT_EQ(rows.size(), 50u);
  EXPECT_EQ(rows["activation/relu"]["deviates"], "deviating");
  EXPECT_EQ(rows["activation/relu/gradient"]["deviates"], "reference");
  EXPECT_EQ(rows["matmul/tn"]["deviates"], "reference");
  for (const auto& [operation, kernel] : rows) EXPECT_EQ(kernel["reference"], "native") << operation;
  EXPECT_FALSE(rows["matmul/nn"].contains("sound")) << "a plugin that nobody named is not loaded";

  const Result text = run({"info", "--kernels", "--backend", "sound"}, path);
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "activation/relu  ", text.out);
}

TEST(Info, AFailedPluginIsAnErrorWhereItIsNamed) {
  const Variables path = {{"PLEXUS_BACKEND_PATH", ZOO_DIRECTORY}};
  const Result result = run({"plan", "--backend", "refuses"}, path);
  EXPECT_EQ(result.code, 4);
  EXPECT_TRUE(result.err.starts_with("plexus: error: backend 'refuses': failed to load: ")) << result.err;
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "not on a Tuesday", result.err);
  const Result wrong = run({"info"}, {{"PLEXUS_BACKEND_PATH", "plugins"}});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "PLEXUS_BACKEND_PATH: 'plugins' is not valid", wrong.err);
}

TEST(Info, FallbackIsWarnedOfForbiddenOrAllowed) {
  const Variables path = {{"PLEXUS_BACKEND_PATH", EXAMPLE_DIRECTORY}};
  const auto who = [](const Result& result) {  // without what is measured of the machine
    json rows = json::array();
    const json all = parse_json(result.out);
    for (const json& plan : all["plans"])
      for (const json& row : plan["operations"]) rows.push_back({row["spec"], row["backend"], row["why"]});
    return rows;
  };
  const Result warned = run({"plan", "--backend", "relu_matmul", "--json"}, path);
  EXPECT_EQ(warned.code, 0);
  EXPECT_TRUE(warned.err.starts_with("plexus: warning: backend 'relu_matmul' lacks ")) << warned.err;
  const Result allowed = run({"plan", "--backend", "relu_matmul", "--fallback", "allow", "--json"}, path);
  EXPECT_EQ(allowed.code, 0);
  EXPECT_EQ(allowed.err, "");
  EXPECT_EQ(who(allowed), who(warned));
  const Result forbidden = run({"plan", "--backend", "relu_matmul", "--fallback", "error"}, path);
  EXPECT_EQ(forbidden.code, 4);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "PLEXUS_FALLBACK=error forbids 'reference'", forbidden.err);
  EXPECT_EQ(run({"plan", "--fallback", "maybe"}).code, 2);
}

TEST(Info, WrongEnvironmentStillShowsTheTable) {
  const Result backend = run({"info"}, {{"PLEXUS_BACKEND", "referense"}});
  EXPECT_EQ(backend.code, 4);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "plain loops, double accumulators", backend.out);
  EXPECT_TRUE(backend.err.starts_with("plexus: error: ")) << backend.err;

  const Result threads = run({"info", "--json"}, {{"PLEXUS_NUM_THREADS", "many"}});
  EXPECT_EQ(threads.code, 2);
  const json info = parse_json(threads.out);
  EXPECT_TRUE(info["threads"].is_null());
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "PLEXUS_NUM_THREADS", info["error"].get<std::string>());
  EXPECT_GE(info["backends"].size(), 1u);
}

}  // namespace
}  // namespace plexus::test

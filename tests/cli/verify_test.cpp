// plexus verify: sound backends pass, every plugin of the zoo fails where it is wrong, and neither crash nor
// hang ends it.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "cli/command.h"
#include "cli/json.h"
#include "plexus/backends/registry.h"
#include "trainer/sanitized.h"

namespace plexus::test {
namespace {

using nlohmann::json;

std::string zoo(const std::string& name) { return std::string(ZOO_DIRECTORY) + "/" + name + ".so"; }

Result verify(Arguments flags) {
  flags.insert(flags.begin(), "verify");
  return run(flags);
}

/// The modes in which a plugin of the zoo fails; it has relu alone.
std::set<std::string> failing_modes(const std::string& name, const std::string& cases = "1000") {
  const Result result = verify({"--plugin", zoo(name), "--family", "activation", "--cases", cases, "--json"});
  const json report = parse_json(result.out);
  std::set<std::string> modes;
  for (const json& row : report["rows"])
    if (!row["failures"].empty()) modes.insert(row["mode"]);
  EXPECT_EQ(report["passed"], modes.empty());
  EXPECT_EQ(result.code, modes.empty() ? 0 : 1) << result.err;
  return modes;
}

using Modes = std::set<std::string>;
const Modes results = {"exact", "float", "edges", "memory", "threads"};

TEST(Verify, UsableBackendsPass) {
  for (const BackendRow& row : backends()) {
    if (!row.usable) continue;
    const Result result = verify({"--backend", row.name, "--cases", "40"});
    EXPECT_EQ(result.code, 0) << result.out << result.err;
    EXPECT_TRUE(result.out.starts_with(row.name + ": ")) << result.out;
    EXPECT_PRED_FORMAT2(testing::IsSubstring, " cases passed\n", result.out);
    EXPECT_EQ(result.err, "");
  }
}

TEST(Verify, ExamplesPass) {
  for (const std::string name : {"relu_matmul", "relu_matmul_c"}) {
    const Result result =
        verify({"--plugin", std::string(EXAMPLE_DIRECTORY) + "/" + name + ".so", "--cases", "400"});
    EXPECT_EQ(result.code, 0) << result.out << result.err;
  }
}

TEST(Verify, TheTableHasARowForEveryFamilyAndMode) {
  const json report =
      parse_json(verify({"--backend", "reference", "--cases", "20", "--seed", "7", "--json"}).out);
  EXPECT_EQ(report["backend"], "reference");
  EXPECT_EQ(report["passed"], true);
  Modes rows;
  for (const json& row : report["rows"]) {
    rows.insert(row["family"].get<std::string>() + "/" + row["mode"].get<std::string>());
    if (row["mode"] == "fused") continue;  // the reference fuses nothing
    EXPECT_GE(row["cases"], 1);
    EXPECT_EQ(row["lacks"], 0);
    EXPECT_LE(row["worst"], 1);
    if (row["mode"] == "exact") {
      EXPECT_EQ(row["cases"], 20);
      EXPECT_EQ(row["first"], 7);
    }
  }
  EXPECT_EQ(rows.size(), 7u * 6u + 1u) << "fused: pieces that begin with a product";
}

TEST(Verify, SoundPluginsPass) {
  EXPECT_EQ(failing_modes("sound"), Modes{});
  EXPECT_EQ(failing_modes("deviates"), Modes{}) << "what is declared is excused";
}

TEST(Verify, WrongResults) {
  EXPECT_EQ(failing_modes("wrong"), results);
  EXPECT_EQ(failing_modes("makes_nan"), results);
  EXPECT_TRUE(failing_modes("deviates_silently").contains("edges"));
}

TEST(Verify, Memory) {
  EXPECT_TRUE(failing_modes("writes_past").contains("memory"));
  EXPECT_TRUE(failing_modes("reads_past").contains("memory"));
  EXPECT_TRUE(failing_modes("wants_alignment").contains("memory"));
  EXPECT_EQ(failing_modes("stale_workspace"), Modes{"memory"});
}

TEST(Verify, Threads) {
  EXPECT_EQ(failing_modes("counts_threads"), Modes{"threads"});
  EXPECT_EQ(failing_modes("shares_state", "2000"), Modes{"threads"});
}

TEST(Verify, Environment) {
  EXPECT_EQ(failing_modes("sets_locale"), Modes{"environment"});
  EXPECT_EQ(failing_modes("sets_variables"), Modes{"environment"});
  EXPECT_EQ(failing_modes("takes_signals"), Modes{"environment"});
}

TEST(Verify, FailuresOfTheBackendItself) {
  const Result result = verify({"--plugin", zoo("run_fails"), "--family", "activation", "--mode", "exact"});
  EXPECT_EQ(result.code, 1);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, ": the device is on fire\n", result.out);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "5 FAILED, given up", result.out);
  EXPECT_EQ(result.err, "plexus: error: run_fails: 5 of 5 cases failed\n");
}

/// All failures of one mode.
json failures(const Arguments& flags) {
  json list = json::array();
  const json report = parse_json(verify(flags).out);
  for (const json& row : report["rows"])
    for (const json& failure : row["failures"]) list.push_back(failure);
  return list;
}

TEST(Verify, ACrashIsTheFailureOfItsCase) {
  for (const auto& [name, how] : {std::pair("crashes", ": killed by signal 11 (Segmentation fault)"),
                                  std::pair("exits", ": ended the process")}) {
    const Arguments flags = {"--plugin", zoo(name), "--family", "activation", "--mode", "exact", "--json"};
    const json report = parse_json(verify(flags).out);
    const json row = report["rows"][0];
    ASSERT_GE(row["failures"].size(), 2u) << "it goes on behind the first";
    EXPECT_GT(row["cases"], row["failures"].size());
    for (const json& failure : row["failures"]) {
      const std::string message = failure["message"];
      EXPECT_TRUE(message.ends_with(how)) << message;
      EXPECT_PRED_FORMAT2(testing::IsSubstring, "/n33", message);
    }
  }
}

TEST(Verify, AHangIsTheFailureOfItsCase) {
  const json list = failures({"--plugin", zoo("hangs"), "--family", "activation", "--mode", "exact",
                              "--time-limit", "1.5", "--json"});
  ASSERT_EQ(list.size(), 1u);
  const std::string message = list[0]["message"];
  EXPECT_TRUE(message.ends_with(": took longer than 1.5 s")) << message;
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "activation exact ", message);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "/n33", message);
}

TEST(Verify, AFailureIsALineThatRunsItAgain) {
  const json first =
      failures({"--plugin", zoo("wrong"), "--family", "activation", "--mode", "float", "--json"})[0];
  const std::string name = first["case"], message = first["message"];
  EXPECT_EQ(first["reproduce"], "plexus verify --plugin " + zoo("wrong") + " --case " + name);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, ": y[0,0] is ", message);
  const Result again = verify({"--plugin", zoo("wrong"), "--case", name});
  EXPECT_EQ(again.code, 1);
  EXPECT_PRED_FORMAT2(
      testing::IsSubstring,
      "\nplexus verify --plugin " + zoo("wrong") + " --case " + name + "  # " + message + "\n", again.out);
  EXPECT_EQ(again.err, "plexus: error: wrong: 1 of 1 cases failed\n");
}

TEST(Verify, WhoVerifiesNothingFails) {
  const Result result = verify({"--plugin", zoo("sound"), "--family", "update"});
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.err, "plexus: error: sound: nothing was verified: it has none of these operations\n");
}

TEST(Verify, WhatDoesNotLoad) {
  const Result refused = verify({"--plugin", zoo("refuses")});
  EXPECT_EQ(refused.code, 4);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "not on a Tuesday", refused.err);
  EXPECT_EQ(verify({"--plugin", "/nonexistent.so"}).code, 5);
  const Result unknown = verify({"--backend", "refrence"});
  EXPECT_EQ(unknown.code, 4);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "did you mean 'reference'?", unknown.err);
#ifndef PLEXUS_THREAD_SANITIZER  // it has a word, and an exit code, for whoever ends the process within dlopen
  const Result ended = verify({"--plugin", zoo("crashing/exits_loading")});
  EXPECT_EQ(ended.code, 1);
  EXPECT_EQ(ended.err,
            "plexus: error: " + zoo("crashing/exits_loading") + ": loading it: ended the process\n");
#endif
  const Result crashed = verify({"--plugin", zoo("crashing/crashes_loading")});
  EXPECT_EQ(crashed.code, 1);
  EXPECT_EQ(crashed.err, "plexus: error: " + zoo("crashing/crashes_loading") +
                             ": loading it: killed by signal 11 (Segmentation fault)\n");
}

TEST(Verify, Usage) {
  const std::pair<Arguments, std::string> wrong[] = {
      {{"--family", "matmull"}, "did you mean matmul?"},
      {{"--mode", "exakt"}, "did you mean exact?"},
      {{"--cases", "0"}, "--cases: expected a whole number of at least 1"},
      {{"--seed", "-1"}, "--seed: expected a whole number of at least 0"},
      {{"--time-limit", "0"}, "--time-limit: expected a number above 0"},
      {{"--isa", "avx9"}, "PLEXUS_MAX_ISA: 'avx9' is not valid"},
      {{"--case", "matmul/17"},
       "case 'matmul/17': expected FAMILY/MODE/NUMBER; families: matmul, activation, "},
      {{"--case", "matmul/edges/99999"}, "edges of matmul, from 0"},
      {{"--case", "matmul/exact/1", "--family", "loss"}, "--family excludes --case"},
      {{"--backend", "reference", "--plugin", "x.so"}, "excludes --"}};
  for (const auto& [flags, part] : wrong) {
    const Result result = verify(flags);
    EXPECT_EQ(result.code, 2) << result.err;
    EXPECT_PRED_FORMAT2(testing::IsSubstring, part, result.err);
    EXPECT_EQ(result.out, "");
  }
}

TEST(Verify, IsaIsACap) {
  const Result result =
      verify({"--backend", "reference", "--isa", "scalar", "--cases", "5", "--family", "scale"});
  EXPECT_EQ(result.code, 0) << result.err;
}

}  // namespace
}  // namespace plexus::test

// plexus-bench as it is run: names, counters, context, and what it refuses. No number is judged.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "cli/command.h"
#include "plexus/backends/registry.h"
#include "plexus/version.h"

namespace plexus::test {
namespace {

using Json = nlohmann::json;

/// A run that writes JSON.
struct Measured {
  Result result;
  Json json;
};

Measured measure(Arguments arguments, const Variables& variables = {}) {
  const std::string file = testing::TempDir() + "plexus_bench_" +
                           testing::UnitTest::GetInstance()->current_test_info()->name() + ".json";
  for (const char* option : {"--quick", "--benchmark_min_time=0.0001"}) arguments.push_back(option);
  arguments.push_back("--benchmark_out=" + file);
  Measured measured{run(arguments, variables), {}};
  std::ifstream in(file);
  if (in) measured.json = Json::parse(in, nullptr, false);
  EXPECT_TRUE(measured.json.is_object()) << measured.result.err;
  std::remove(file.c_str());
  return measured;
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> result;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) result.push_back(line);
  return result;
}

std::vector<std::string> components(const std::string& name) {
  std::vector<std::string> result;
  std::istringstream stream(name);
  for (std::string part; std::getline(stream, part, '/');) result.push_back(part);
  return result;
}

std::string family(const Json& entry) { return components(entry["name"])[0]; }

void expect_positive(const Json& entry, const char* counter) {
  ASSERT_TRUE(entry.contains(counter)) << entry;
  const double value = entry[counter];
  EXPECT_TRUE(std::isfinite(value) && value > 0) << counter << ": " << entry;
}

const std::set<std::string> all_families = {"matmul", "activation", "loss",     "update",
                                            "io",     "plan",       "training", "inference"};

/// All families on a backend: every entry is named and has its counters.
void expect_complete(const std::string& backend, const std::set<std::string>& expected) {
  const Measured measured = measure({"--backend", backend, "--threads", "2"});
  EXPECT_EQ(measured.result.code, 0) << measured.result.err;
  std::set<std::string> names, found;
  for (const Json& entry : measured.json["benchmarks"]) {
    const std::string name = entry["name"];
    EXPECT_TRUE(name.ends_with("/" + backend + "/t2")) << name;
    EXPECT_EQ(entry["run_name"], name);
    EXPECT_TRUE(names.insert(name).second) << name << " twice";
    EXPECT_FALSE(entry.contains("error_message")) << entry;
    expect_positive(entry, "real_time");
    found.insert(family(entry));
    if (family(entry) == "plan") {
      expect_positive(entry, "time_per_row");
      continue;
    }
    expect_positive(entry, "GB/s");
    expect_positive(entry, "peak");
    if (family(entry) == "io") continue;
    expect_positive(entry, "GFLOPS");
    EXPECT_FALSE(std::string(entry.value("label", "")).empty()) << entry;
  }
  EXPECT_EQ(found, expected);
}

TEST(Program, EveryFamilyOfTheReference) { expect_complete("reference", all_families); }

TEST(Program, EveryFamilyOfSimd) {
  const auto table = backends();
  if (!std::any_of(table.begin(), table.end(),
                   [](const auto& row) { return row.name == "simd" && row.usable; }))
    GTEST_SKIP() << "not built";
  expect_complete("simd", all_families);
}

/// --quick leaves most of them out.
TEST(Program, EveryOptimizer) {
  const Result result = run({"--backend", "reference", "--threads", "1", "--benchmark_filter=^update/.*/m1/", "--benchmark_format=json",
                             "--benchmark_min_time=0.0001"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(Json::parse(result.out)["benchmarks"].size(), 10u) << result.out;
}

TEST(Program, WhatOneDnnHas) {
  const auto table = backends();
  if (!std::any_of(table.begin(), table.end(),
                   [](const auto& row) { return row.name == "onednn" && row.usable; }))
    GTEST_SKIP() << "not built";
  expect_complete("onednn", {"matmul", "activation", "io", "plan", "training", "inference"});
}

TEST(Program, Context) {
  const Measured measured = measure({"--backend", "reference", "--threads", "2", "--family", "loss"});
  const Json& context = measured.json["context"];
  EXPECT_EQ(context["plexus_version"], PLEXUS_VERSION);
  EXPECT_EQ(context["backend"], "reference");
  EXPECT_EQ(context["threads"], "2");
  EXPECT_EQ(context["cpu"], cpu().name);
  EXPECT_EQ(context["isa"], to_string(cpu().isa));
  EXPECT_TRUE(std::string(context["backend_versions"]).starts_with("Plexus " PLEXUS_VERSION ", "))
      << context["backend_versions"];
  std::istringstream loads{std::string(context["load_average"])};
  for (int i = 0; i < 3; i++) {
    double load = -1;
    loads >> load;
    EXPECT_GE(load, 0);
  }
  for (const std::string& key :
       {"limit/fma/" + to_string(cpu().isa) + "/t2", std::string("limit/read/dram/t2")})
    EXPECT_GT(std::stod(std::string(context.value(key, "0"))), 0) << key;
  for (const char* key : {"limit/parallel_for/hot/t2", "limit/parallel_for/cold/t2"})
    EXPECT_GE(std::stod(std::string(context.value(key, "-1"))), 0) << key;
  for (const auto& [key, value] : context.items())
    if (key.starts_with("cache/")) {
      EXPECT_GT(std::stod(std::string(value)), 1000) << key;
      EXPECT_TRUE(context.contains("limit/read/" + key.substr(6) + "/t2")) << key;
    }
}

TEST(Program, CapsTheInstructionSet) {
  const Measured measured = measure({"--backend", "reference", "--family", "loss", "--threads", "1"},
                                    {{"PLEXUS_MAX_ISA", "scalar"}});
  EXPECT_EQ(measured.json["context"]["isa"], "scalar");
  EXPECT_EQ(measured.result.code, 0);
}

TEST(Program, ListsNamesWithoutMeasuring) {
  const Result all = run({"--backend", "reference", "--threads", "1", "--benchmark_list_tests"});
  EXPECT_EQ(all.code, 0);
  const auto names = lines(all.out);
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
  for (const char* name :
       {"matmul/nn/f32/m128~/n512/k784/bias/relu/reference/t1",
        "matmul/nn/f32/m2048~/n2048/k2048/reference/t1", "matmul/nt/f32/m128~/n784/k512/reference/t1",
        "matmul/tn/f32/m784/n512/k128~/reference/t1", "matmul/nn/f32/m16~/n64/k64/reference/t1",
        "matmul/nn/f32/m512~/n512/k10/reference/t1", "matmul/nn/f32/m1024~/n10/k512/reference/t1",
        "activation/relu/f32/m1~/n100/reference/t1",
        "activation/gelu/gradient/f32/m100000~/n100/reference/t1",
        "loss/softmax_cross_entropy/f32/m1024~/n1000/gradient/reference/t1",
        "update/sgd/f32/m100/n100/reference/t1", "training/784-512-512-10/b128/sgd/reference/t1",
        "training/784-128-10/b32/sgd-mapped/reference/t1", "training/1024x4/b1024/adam/reference/t1",
        "inference/784-128-10/b1/reference/t1"})
    EXPECT_EQ(std::count(names.begin(), names.end(), name), 1) << name;
}

TEST(Program, EnvironmentAndOptions) {
  const Variables variables = {{"PLEXUS_BACKEND", "reference"}, {"PLEXUS_NUM_THREADS", "3"}};
  const Arguments list = {"--family", "plan", "--benchmark_list_tests"};
  EXPECT_EQ(run(list, variables).out,
            "plan/rows1/reference/t3\nplan/rows15/reference/t3\nplan/rows100/reference/t3\n");
  Arguments overridden = list;
  for (const char* word : {"--threads", "1"}) overridden.push_back(word);
  EXPECT_EQ(lines(run(overridden, variables).out)[0], "plan/rows1/reference/t1");
}

TEST(Program, Filters) {
  const auto names = [](const std::string& filter) {
    return run({"--backend", "reference", "--threads", "1", "--family", "plan", "--benchmark_list_tests",
                "--benchmark_filter=" + filter})
        .out;
  };
  EXPECT_EQ(names("rows1/"), "plan/rows1/reference/t1\n");
  EXPECT_EQ(names("rows1(5|00)/reference/t1$"), "plan/rows15/reference/t1\nplan/rows100/reference/t1\n");
  EXPECT_EQ(names("-rows1/"), "plan/rows15/reference/t1\nplan/rows100/reference/t1\n");
}

TEST(Program, FamiliesWithCommas) {
  const Result result = run({"--backend", "reference", "--quick", "--family", "loss,plan", "--family", "loss",
                             "--benchmark_list_tests"});
  std::set<std::string> found;
  for (const std::string& line : lines(result.out)) found.insert(components(line)[0]);
  EXPECT_EQ(lines(result.out).size(), 9u);  // six losses and three plans, each once
  EXPECT_EQ(found, (std::set<std::string>{"loss", "plan"}));
  const auto listed = lines(run({"--list-families"}).out);
  EXPECT_EQ(std::set<std::string>(listed.begin(), listed.end()), all_families);
}

TEST(Program, Repetitions) {
  const Measured measured = measure({"--backend", "reference", "--threads", "1", "--family", "plan",
                                     "--benchmark_filter=rows1/", "--benchmark_repetitions=3"});
  std::vector<std::string> names;
  for (const Json& entry : measured.json["benchmarks"]) names.push_back(entry["name"]);
  ASSERT_GE(names.size(), 6u);  // three and their aggregates
  for (int i = 0; i < 3; i++) EXPECT_EQ(names[size_t(i)], "plan/rows1/reference/t1");
  EXPECT_EQ(names[3], "plan/rows1/reference/t1_mean");
}

TEST(Program, NothingToMeasureIsAnEmptyList) {
  const Measured measured =
      measure({"--backend", "reference", "--threads", "1", "--family", "plan", "--benchmark_filter=nothing"});
  EXPECT_EQ(measured.result.code, 0);
  EXPECT_EQ(measured.json["benchmarks"], Json::array());
  EXPECT_EQ(measured.json["context"]["backend"], "reference");
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "plexus-bench: nothing to measure: ", measured.result.err);
}

/// An activation backend whose first element is 1 too large.
Measured measure_wrong(const std::string& family) {
  return measure({"--backend", "wrong", "--threads", "1", "--family", family},
                 {{"PLEXUS_BACKEND_PATH", ZOO_DIRECTORY "/wrong.so"}});
}

TEST(Program, RefusesAWrongKernel) {
  const Measured measured = measure_wrong("activation");
  EXPECT_EQ(measured.result.code, 1);
  EXPECT_PRED_FORMAT2(testing::IsSubstring,
                      "plexus-bench: error: some results were wrong: their benchmarks were not timed\n",
                      measured.result.err);
  int relu = 0;
  for (const Json& entry : measured.json["benchmarks"]) {
    ASSERT_TRUE(std::string(entry["name"]).starts_with("activation/relu/f32/"))
        << entry;  // it has nothing else
    relu++;
    EXPECT_EQ(entry["error_occurred"], true) << entry;
    EXPECT_TRUE(std::string(entry["error_message"]).starts_with("wrong (from the zoo): y[0,0] is ")) << entry;
    EXPECT_FALSE(entry.contains("GFLOPS")) << entry;
  }
  EXPECT_EQ(relu, 2);
}

TEST(Program, RefusesNetworksWithAWrongKernel) {
  for (const std::string family : {"training", "inference"}) {
    const Measured measured = measure_wrong(family);
    EXPECT_EQ(measured.result.code, 1) << family;
    EXPECT_GT(measured.json["benchmarks"].size(), 0u);
    for (const Json& entry : measured.json["benchmarks"])
      EXPECT_TRUE(std::string(entry.value("error_message", "")).starts_with("wrong: ")) << entry;
  }
}

TEST(Program, TimesASoundPlugin) {
  const Measured measured = measure({"--backend", "sound", "--threads", "1", "--family", "activation"},
                                    {{"PLEXUS_BACKEND_PATH", ZOO_DIRECTORY "/sound.so"}});
  EXPECT_EQ(measured.result.code, 0) << measured.result.err;
  EXPECT_EQ(measured.json["benchmarks"].size(), 2u);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "sound: from the zoo, 3.1",
                      std::string(measured.json["context"]["backend_versions"]));
}

void expect_error(const Arguments& arguments, int code, const std::string& message) {
  const Result result = run(arguments);
  EXPECT_EQ(result.code, code) << result.err;
  EXPECT_TRUE(result.err.starts_with("plexus-bench: error: ")) << result.err;
  EXPECT_EQ(lines(result.err).size(), 1u) << result.err;
  EXPECT_PRED_FORMAT2(testing::IsSubstring, message, result.err);
}

TEST(Program, Errors) {
  expect_error({"--family", "matmull"}, 2,
               "--family matmull: no such family (did you mean matmul?); families: matmul, activation, ");
  expect_error({"--backend", "referense"}, 4, "unknown backend 'referense': did you mean 'reference'?");
  expect_error({"--backend", ""}, 4, "the name of the backend is empty: name one, or unset it");
  expect_error({"--threads", "0"}, 2, "--threads");
  expect_error({"--benchmark_filter=(", "--family", "plan"}, 2,
               "--benchmark_filter (: not a regular expression");
  expect_error({"--faster"}, 2, "--faster: no such option; see plexus-bench --help");
  expect_error({"--family", "plan", "--benchmark_out=/nowhere/at/all.json"}, 5,
               "/nowhere/at/all.json: cannot be written");
}

}  // namespace
}  // namespace plexus::test

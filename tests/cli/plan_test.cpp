// plexus plan: costs counted by hand, shares that add up, and a table that fits.
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/command.h"
#include "cli/json.h"
#include "plexus/backends/registry.h"
#include "plexus/cli/plan_costs.h"
#include "plexus/core/cpu.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/sequential.h"

namespace plexus::test {
namespace {

using nlohmann::json;

const Arguments small = {"plan", "--layers", "10,relu", "--input", "13", "--classes", "3", "--batch", "32"};

json plan(const Arguments& more, const Arguments& base = small) {
  Arguments arguments = base;
  arguments.insert(arguments.end(), more.begin(), more.end());
  arguments.push_back("--json");
  const Result result = run(arguments);
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.err, "");
  return parse_json(result.out);
}

const json& operation(const json& plan, const std::string& label) {
  for (const json& row : plan["operations"])
    if (row["label"] == label) return row;
  throw std::runtime_error("no operation " + label);
}

TEST(Plan, JsonHasWhatRanAndWhatItCosts) {
  const json all = plan({"--backend", "reference", "--threads", "1", "--optimizer", "sgd"});
  EXPECT_EQ(all["version"], 1);
  EXPECT_EQ(all["backend"], "reference");
  EXPECT_EQ(all["threads"], 1);
  EXPECT_EQ(all["batch"], 32);
  EXPECT_EQ(all["parameters"], 13 * 10 + 10 + 10 * 3 + 3);
  EXPECT_EQ(all["cpu"], cpu().name);
  EXPECT_EQ(all["limits"]["source"], "measured by this process");
  EXPECT_GT(all["limits"]["gflops"], 0);
  EXPECT_EQ(all["limits"]["levels"].back()["name"], "dram");
  EXPECT_TRUE(all["limits"]["levels"].back()["capacity"].is_null());

  ASSERT_EQ(all["plans"].size(), 2u);
  const json &step = all["plans"][0], &prediction = all["plans"][1];
  EXPECT_EQ(step["name"], "training step");
  EXPECT_EQ(prediction["name"], "prediction");
  const std::map<std::string, std::pair<int, int>> expected = {
      {"0 Dense", {2 * 32 * 10 * 13, 4 * (32 * 13 + 13 * 10 + 10 + 32 * 10)}},
      {"1 Relu", {32 * 10, 4 * 2 * 32 * 10}},
      {"2 Dense", {2 * 32 * 3 * 10, 4 * (32 * 10 + 10 * 3 + 3 + 32 * 3)}},
      {"2 Dense dx", {2 * 32 * 10 * 3, 4 * (32 * 3 + 10 * 3 + 32 * 10)}},
      {"2 Dense dW", {2 * 10 * 3 * 32, 4 * (32 * 10 + 32 * 3 + 10 * 3)}},
      {"0 Dense dW", {2 * 13 * 10 * 32, 4 * (32 * 13 + 32 * 10 + 13 * 10)}},
      {"0 Dense update weight", {2 * 13 * 10, 4 * (3 * 13 * 10 + 1)}}};
  for (const auto& [label, cost] : expected) {
    EXPECT_EQ(operation(step, label)["flops"], cost.first) << label;
    EXPECT_EQ(operation(step, label)["bytes"], cost.second) << label;
  }
  const json dense = operation(prediction, "0 Dense");
  EXPECT_EQ(dense["spec"], "matmul/nn/f32/m32~/n10/k13/bias");
  EXPECT_EQ(dense["backend"], "reference");
  EXPECT_EQ(dense["kernel"], "plain loops, f64 accumulators");
  EXPECT_EQ(dense["why"], "chosen");
  EXPECT_EQ(dense["members"].size(), 0u);
  EXPECT_TRUE(dense["measured_ns"].is_null());
  EXPECT_TRUE(dense["share"].is_null());
  double flops = 0, predicted = 0;
  for (const json& row : step["operations"]) {
    flops += double(row["flops"]);
    predicted += double(row["predicted_ns"]);
    // The longer of the two bounds it.
    const json& limits = all["limits"];
    double bandwidth = 0;
    for (const json& level : limits["levels"])
      if (level["name"] == row["level"]) bandwidth = level["gb_per_second"];
    EXPECT_DOUBLE_EQ(row["predicted_ns"],
                     std::max(double(row["flops"]) / double(limits["gflops"]), double(row["bytes"]) / bandwidth));
    EXPECT_EQ(row["bound"] == "memory", double(row["bytes"]) / bandwidth > double(row["flops"]) / double(limits["gflops"]));
  }
  EXPECT_DOUBLE_EQ(step["flops"], flops);
  EXPECT_DOUBLE_EQ(step["predicted_ns"], predicted);
  EXPECT_TRUE(step["measured_ns"].is_null());
}

TEST(Plan, SharesAddUpToTheStep) {
  const json all = plan({"--measure"});
  for (const json& one : all["plans"]) {
    double share = 0, time = 0;
    for (const json& row : one["operations"]) {
      EXPECT_GE(double(row["measured_ns"]), 0);
      share += double(row["share"]);
      time += double(row["measured_ns"]);
      if (double(row["measured_ns"]) > 0) {
        EXPECT_DOUBLE_EQ(row["fraction_of_limit"], double(row["predicted_ns"]) / double(row["measured_ns"]));
      }
    }
    EXPECT_NEAR(share, 1, 1e-6) << one["name"];
    EXPECT_NEAR(time / double(one["measured_ns"]), 1, 1e-6) << one["name"];
    EXPECT_GT(one["unstamped_ns"], 0);
    EXPECT_GE(one["runs"], 20);
  }
}

TEST(Plan, FusedRowsHoldTheirMembers) {
  const json step = plan({"--optimizer", "adam"})["plans"][0];
  if (operation(step, "0 Dense")["backend"] == "reference") GTEST_SKIP() << "the reference fuses nothing";
  const json dense = operation(step, "0 Dense");
  ASSERT_EQ(dense["members"].size(), 2u);
  EXPECT_EQ(dense["why"], "fused 2");
  EXPECT_EQ(dense["members"][0]["label"], "0 Dense");
  EXPECT_EQ(dense["members"][1]["label"], "1 Relu");
  EXPECT_EQ(dense["members"][1]["spec"], "activation/relu/f32/m32~/n10");
  EXPECT_EQ(dense["members"][0]["flops"], 2 * 32 * 10 * 13);
  EXPECT_EQ(dense["flops"], 2 * 32 * 10 * 13 + 32 * 10);
  EXPECT_EQ(dense["bytes"], 4 * (32 * 13 + 13 * 10 + 10 + 32 * 10));  // the product is not written between them
}

TEST(Plan, TheTableFits) {
  const Result result = run({"plan", "--layers", "512,relu,256,relu", "--batch", "128", "--optimizer", "adam", "--measure"});
  EXPECT_EQ(result.code, 0);
  std::istringstream lines(result.out);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("limits")) continue;
    EXPECT_LE(line.size(), 170u) << line;
  }
  for (const char* text : {"of limit", "share", "0 Dense update weight", "100 %", "limits of this machine, measured now"})
    EXPECT_PRED_FORMAT2(testing::IsSubstring, text, result.out);
}

TEST(Plan, TheTableFitsNarrowTerminals) {
  const Context context = make_context({.threads = 1});
  Sequential net{Dense(512), Relu(), Dense(256), Relu(), Dense(10)};
  net.build({784}, 1);
  LoweringOptions lowering{.part = Part::step, .batch = 128};
  lowering.update = {.kind = UpdateKind::adam, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
  Plan plan = Plan::build(context, net.store(), net.lower(lowering));
  Limits limits;
  limits.multiply_add = {{Isa::scalar, 100}};
  limits.levels = {{"dram", std::numeric_limits<double>::infinity(), 10}};
  cli::PlanCosts costs{"training step", 128, &plan, Plan::Timing{}};
  costs.timing->rows.assign(plan.rows().size(), 123456);
  costs.timing->stamped = 123456 * double(plan.rows().size());
  costs.timing->run = costs.timing->stamped;
  size_t before = 0;
  for (const int width : {100, 120, 160, 0}) {
    const std::string text = cli::table(costs, limits, width);
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (width == 0 || line.starts_with("a run")) continue;
      EXPECT_LE(line.size(), size_t(width)) << line;
    }
    for (const char* part : {"operation", "0 Dense update weight", "123 us", "share", "of limit", "sum"})
      EXPECT_PRED_FORMAT2(testing::IsSubstring, part, text);
    EXPECT_GE(text.size(), before);  // who has room gets more
    before = text.size();
  }
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "matmul/nn/f32/m128~/n512/k784/bias", cli::table(costs, limits, 0));
}

}  // namespace
}  // namespace plexus::test

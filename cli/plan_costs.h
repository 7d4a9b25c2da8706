// PlanCosts: a plan with what it has to do, the least time that this machine could take, and how long it took.
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "plexus/core/limits.h"
#include "plexus/core/plan.h"
#include "plexus/core/store.h"

namespace plexus::cli {

/// Fills a plan before it is measured with rows as they might come: features of size one, every class equally often. They do not change
/// from run to run, and nothing is learnt: the learning rate is 0.
void fill(Plan& plan, Store& store, int64_t classes);

struct PlanCosts {
  std::string name;            ///< "training step"
  int64_t rows = 0;            ///< the maximum of the plan, for which costs are counted
  const Plan* plan = nullptr;
  std::optional<Plan::Timing> timing = {};  ///< absent: not measured
};

/// A line a kernel, a line each for what runs inside it, the sum, and what deviates. `width`: columns that there are; 0: any. Where they do
/// not suffice, columns are left out, then specs shortened.
std::string table(const PlanCosts& costs, const Limits& limits, int width);

/// What was measured of the machine, in one line.
std::string describe(const Limits& limits);

/// As docs/performance.md says: name, rows, flops, bytes, predicted_ns, measured_ns, operations. `limits` null: nothing is predicted.
nlohmann::ordered_json to_json(const PlanCosts& costs, const Limits* limits);
nlohmann::ordered_json to_json(const Limits& limits);

}  // namespace plexus::cli

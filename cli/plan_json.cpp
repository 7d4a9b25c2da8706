// The costs of a plan for programs.
#include <cmath>
#include <nlohmann/json.hpp>

#include "plexus/cli/plan_costs.h"

namespace plexus::cli {
namespace {

using Json = nlohmann::ordered_json;

Json member(const Program& program, size_t operation) {
  const Cost cost = plexus::cost(Run(program, operation, operation + 1));
  return {{"label", program.operations()[operation].label},
          {"spec", to_string(program.operations()[operation].spec)},
          {"flops", cost.flop},
          {"bytes", cost.bytes}};
}

Json operation(const PlanCosts& costs, size_t r, const Limits* limits) {
  const Plan::Row& row = costs.plan->rows()[r];
  Json json = {{"label", row.label},
               {"spec", row.spec},
               {"backend", row.backend},
               {"kernel", row.description},
               {"why", row.why},
               {"deviations", row.deviations},
               {"flops", row.cost.flop},
               {"bytes", row.cost.bytes},
               {"working_set", row.cost.working_set},
               {"level", nullptr},
               {"bound", nullptr},
               {"predicted_ns", nullptr},
               {"measured_ns", nullptr},
               {"share", nullptr},
               {"fraction_of_limit", nullptr},
               {"members", Json::array()}};
  const double predicted = limits ? 1e9 * limits->seconds(row.cost) : 0;
  if (limits) {
    const Limits::Level& level = limits->level(row.cost.working_set);
    const bool memory = row.cost.bytes / level.bandwidth > row.cost.flop / limits->arithmetic();
    json["level"] = level.name;
    json["bound"] = memory ? "memory" : "arithmetic";
    json["predicted_ns"] = predicted;
  }
  if (costs.timing) {
    const double measured = costs.timing->rows[r];
    json["measured_ns"] = measured;
    if (costs.timing->stamped > 0) json["share"] = measured / costs.timing->stamped;
    if (limits && measured > 0) json["fraction_of_limit"] = predicted / measured;
  }
  if (row.last > row.first + 1)
    for (size_t i = row.first; i < row.last; i++) json["members"].push_back(member(costs.plan->program(), i));
  return json;
}

}  // namespace

Json to_json(const PlanCosts& costs, const Limits* limits) {
  Json json = {{"name", costs.name},       {"rows", costs.rows},         {"flops", 0.0},
               {"bytes", 0.0},             {"predicted_ns", nullptr},    {"measured_ns", nullptr},
               {"unstamped_ns", nullptr},  {"runs", nullptr},            {"arena_bytes", costs.plan->arena_bytes()},
               {"operations", Json::array()}};
  double flops = 0, bytes = 0, predicted = 0;
  for (size_t r = 0; r < costs.plan->rows().size(); r++) {
    const Cost& cost = costs.plan->rows()[r].cost;
    flops += cost.flop;
    bytes += cost.bytes;
    if (limits) predicted += 1e9 * limits->seconds(cost);
    json["operations"].push_back(operation(costs, r, limits));
  }
  json["flops"] = flops;
  json["bytes"] = bytes;
  if (limits) json["predicted_ns"] = predicted;
  if (costs.timing) {
    json["measured_ns"] = costs.timing->stamped;
    json["unstamped_ns"] = costs.timing->run;
    json["runs"] = costs.timing->runs;
  }
  return json;
}

Json to_json(const Limits& limits) {
  Json json = {{"source", "measured by this process"},
               {"threads", limits.threads},
               {"gflops", limits.arithmetic()},
               {"levels", Json::array()}};
  for (const Limits::Level& level : limits.levels)
    json["levels"].push_back({{"name", level.name},
                              {"capacity", std::isfinite(level.capacity) ? Json(level.capacity) : Json(nullptr)},
                              {"gb_per_second", level.bandwidth}});
  return json;
}

}  // namespace plexus::cli

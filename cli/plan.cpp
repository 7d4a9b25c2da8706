// plexus plan: which backend would run which operation, what that costs, and how long it takes; without data.
#include "plexus/core/plan.h"

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "plexus/cli/command.h"
#include "plexus/cli/flags.h"
#include "plexus/cli/network.h"
#include "plexus/cli/plan_costs.h"
#include "plexus/cli/print_json.h"
#include "plexus/cli/terminal.h"
#include "plexus/core/random.h"
#include "plexus/trainer/trainer.h"

namespace plexus::cli {
namespace {

struct PlanOptions {
  NetworkFlags network;
  OptimizerFlags optimizer;
  RegularizationFlags regularization;
  BackendFlags backend;
  bool measure = false, json = false;
};

// Long enough for the middle half of many runs to repeat within a percent or two, and to be waited for.
constexpr double measuring_seconds = 0.5;

int plan(const PlanOptions& options) {
  const ContextOptions wanted = context_options(options.backend);
  const Isa isa = Environment::resolve(wanted).max_isa;
  const Context context = make_context(wanted);
  const Optimizer chosen = optimizer(options.optimizer);
  const int64_t batch = options.network.batch;
  Sequential network = make_network(options.network);
  TrainerOptions settings{.loss = SoftmaxCrossEntropy{}, .optimizer = chosen};
  set(settings, options.regularization);
  Trainer trainer(network, settings, context);
  Plan& step = *trainer.plans(batch).front();
  Plan forward = Plan::build(context, network.store(), network.lower({.part = Part::forward, .batch = batch}));

  const Limits limits = measure_limits(context.executor().threads(), isa);
  std::vector<PlanCosts> all = {{"training step", batch, &step}, {"prediction", batch, &forward}};
  if (options.measure) {
    for (Plan* one : {&step, &forward}) fill(*one, network.store(), options.network.classes);
    all[0].timing = step.measure(batch, measuring_seconds);
    all[1].timing = forward.measure(batch, measuring_seconds);
  }
  if (options.json) {
    nlohmann::ordered_json json = {{"version", 1},
                                   {"build", build_description()},
                                   {"cpu", cpu().name},
                                   {"isa", to_string(isa)},
                                   {"threads", context.executor().threads()},
                                   {"backend", context.chosen().name()},
                                   {"layers", options.network.layers},
                                   {"parameters", network.parameter_count()},
                                   {"optimizer", to_string(chosen)},
                                   {"batch", batch},
                                   {"limits", to_json(limits)},
                                   {"plans", nlohmann::ordered_json::array()}};
    for (const PlanCosts& costs : all) json["plans"].push_back(to_json(costs, &limits));
    print_json(json);
    return 0;
  }
  const int width = terminal_width(stdout);
  std::printf("%s\ntraining step, %lld rows, %s\n%s\n", network.summary().c_str(), (long long)batch,
              to_string(chosen).c_str(), table(all[0], limits, width).c_str());
  std::printf("prediction, %lld rows\n%s\n", (long long)batch, table(all[1], limits, width).c_str());
  std::printf("limits of this machine, measured now: %s\n", describe(limits).c_str());
  return 0;
}

}  // namespace

Command plan_command(App& parent) {
  const auto options = std::make_shared<PlanOptions>();
  App app = parent.add_subcommand(
      "plan", "Show which backend runs which operation of a network, what it costs, and how long it takes");
  add_flags(app, options->network);
  add_flags(app, options->optimizer);
  add_flags(app, options->regularization);
  add_flags(app, options->backend);
  app.add_flag("--measure", options->measure,
               "Run both plans on random rows for a second, and show what takes how long");
  app.add_flag("--json", options->json, "Print one JSON object");
  app.footer("Example:\n  plexus plan --layers 256,relu,128,relu --batch 64 --optimizer adam --measure");
  return {app, [options] { return plan(*options); }};
}

}  // namespace plexus::cli

// plexus plan: which backend would run which operation, what that costs, and how long it takes; without data.
#include "plexus/core/plan.h"

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "plexus/cli/command.h"
#include "plexus/cli/flags.h"
#include "plexus/cli/network.h"
#include "plexus/cli/plan_costs.h"
#include "plexus/cli/terminal.h"
#include "plexus/core/random.h"
#include "plexus/trainer/trainer.h"

namespace plexus::cli {
namespace {

struct Options {
  std::string layers = "128,relu";
  int64_t batch = 32, input = 784, classes = 10;
  OptimizerFlags optimizer;
  RegularizationFlags regularization;
  BackendFlags backend;
  bool measure = false, json = false;
};

// Long enough for the middle half of many runs to repeat within a percent or two, and to be waited for.
constexpr double measuring_seconds = 0.5;

/// Rows as they might come: features of size one, every class equally often. They do not change from run to run, and nothing is
/// learnt: the learning rate is 0.
void fill(Plan& plan, Store& store, int64_t classes) {
  const Program& program = plan.program();
  for (const Buffer& buffer : program.buffers()) {
    if (buffer.role != Role::input) continue;
    const int64_t count = buffer.shape.elements();
    const RandomStream random(0, Purpose::user);
    if (buffer.dtype == DType::f32)
      for (int64_t i = 0; i < count; i++)
        plan.data<float>(buffer.name)[i] = static_cast<float>(random.normal(static_cast<uint64_t>(i)));
    if (buffer.dtype == DType::i32)
      for (int64_t i = 0; i < count; i++) plan.data<int32_t>(buffer.name)[i] = static_cast<int32_t>(i % classes);
  }
  if (store.contains("learning_rate")) store.scalar<float>("learning_rate") = 0;
  for (const char* counter : {"step", "pass"})  // updates divide by what follows from them
    if (store.contains(counter)) store.scalar<int64_t>(counter) = 1;
}

int plan(const Options& options) {
  const ContextOptions wanted = context_options(options.backend);
  const Isa isa = Environment::resolve(wanted).max_isa;
  const Context context = make_context(wanted);
  const Optimizer chosen = optimizer(options.optimizer);
  Sequential network = make_network(parse_layers(options.layers), {options.input}, options.classes, 0);
  TrainerOptions settings{.loss = SoftmaxCrossEntropy{}, .optimizer = chosen};
  set(settings, options.regularization);
  Trainer trainer(network, settings, context);
  Plan& step = *trainer.plans(options.batch).front();
  Plan forward = Plan::build(context, network.store(), network.lower({.part = Part::forward, .batch = options.batch}));

  const Limits limits = measure_limits(context.executor().threads(), isa);
  std::vector<PlanCosts> all = {{"training step", options.batch, &step}, {"prediction", options.batch, &forward}};
  if (options.measure) {
    for (Plan* one : {&step, &forward}) fill(*one, network.store(), options.classes);
    all[0].timing = step.measure(options.batch, measuring_seconds);
    all[1].timing = forward.measure(options.batch, measuring_seconds);
  }
  if (options.json) {
    nlohmann::ordered_json json = {{"version", 1},
                                   {"build", build_description()},
                                   {"cpu", cpu().name},
                                   {"isa", to_string(isa)},
                                   {"threads", context.executor().threads()},
                                   {"backend", context.chosen().name()},
                                   {"layers", options.layers},
                                   {"parameters", network.parameter_count()},
                                   {"optimizer", to_string(chosen)},
                                   {"batch", options.batch},
                                   {"limits", to_json(limits)},
                                   {"plans", nlohmann::ordered_json::array()}};
    for (const PlanCosts& costs : all) json["plans"].push_back(to_json(costs, limits));
    std::puts(json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
    return 0;
  }
  const int width = terminal_width(stdout);
  std::printf("%s\ntraining step, %lld rows, %s\n%s\n", network.summary().c_str(), (long long)options.batch,
              to_string(chosen).c_str(), table(all[0], limits, width).c_str());
  std::printf("prediction, %lld rows\n%s\n", (long long)options.batch, table(all[1], limits, width).c_str());
  std::printf("limits of this machine, measured now: %s\n", describe(limits).c_str());
  return 0;
}

}  // namespace

Command plan_command(CLI::App& parent) {
  const auto options = std::make_shared<Options>();
  CLI::App* app = parent.add_subcommand("plan", "Show which backend runs which operation of a network, what it costs, and how long it takes");
  app->add_option("--layers", options->layers, "Hidden layers, as in plexus train (default: 128,relu)")
      ->type_name("LIST");
  app->add_option("--batch", options->batch, "Rows of a batch (default: 32)")
      ->type_name("N")
      ->check(whole_number(1));
  app->add_option("--input", options->input, "Features of a row (default: 784)")
      ->type_name("N")
      ->check(whole_number(1));
  app->add_option("--classes", options->classes, "Outputs of the head (default: 10)")
      ->type_name("N")
      ->check(whole_number(1));
  add_flags(*app, options->optimizer);
  add_flags(*app, options->regularization);
  add_flags(*app, options->backend);
  app->add_flag("--measure", options->measure, "Run both plans on random rows for a second, and show what takes how long");
  app->add_flag("--json", options->json, "Print one JSON object");
  app->footer("Example:\n  plexus plan --layers 256,relu,128,relu --batch 64 --optimizer adam --measure");
  return {app, [options] { return plan(*options); }};
}

}  // namespace plexus::cli

// plexus plan: which backend would run which operation, without data.
#include "plexus/core/plan.h"

#include <cstdio>
#include <memory>

#include "plexus/cli/command.h"
#include "plexus/cli/flags.h"
#include "plexus/cli/network.h"
#include "plexus/trainer/trainer.h"

namespace plexus::cli {
namespace {

struct Options {
  std::string layers = "128,relu";
  int64_t batch = 32, input = 784, classes = 10;
  OptimizerFlags optimizer;
  RegularizationFlags regularization;
  BackendFlags backend;
};

int plan(const Options& options) {
  const Context context = make_context(context_options(options.backend));
  const Optimizer chosen = optimizer(options.optimizer);
  Sequential network = make_network(parse_layers(options.layers), {options.input}, options.classes, 0);
  TrainerOptions settings{.loss = SoftmaxCrossEntropy{}, .optimizer = chosen};
  set(settings, options.regularization);
  Trainer trainer(network, settings, context);

  std::printf("%s\n", network.summary().c_str());
  std::printf("training step, %lld rows, %s\n%s\n", (long long)options.batch, to_string(chosen).c_str(),
              trainer.plan(options.batch).c_str());
  const Program forward = network.lower({.part = Part::forward, .batch = options.batch});
  std::printf("prediction, %lld rows\n%s", (long long)options.batch,
              Plan::build(context, network.store(), forward).table().c_str());
  return 0;
}

}  // namespace

Command plan_command(CLI::App& parent) {
  const auto options = std::make_shared<Options>();
  CLI::App* app = parent.add_subcommand("plan", "Show which backend runs which operation of a network");
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
  app->footer("Example:\n  plexus plan --layers 256,relu,128,relu --batch 64 --optimizer adam");
  return {app, [options] { return plan(*options); }};
}

}  // namespace plexus::cli

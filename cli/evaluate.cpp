// plexus evaluate: a saved model tested on labelled data.
#include <cstdio>
#include <memory>
#include <sstream>

#include "plexus/cli/command.h"
#include "plexus/cli/exit_code.h"
#include "plexus/cli/flags.h"
#include "plexus/cli/model_data.h"
#include "plexus/cli/print_json.h"
#include "plexus/cli/result.h"
#include "plexus/core/error.h"
#include "plexus/trainer/model_file.h"
#include "plexus/trainer/trainer.h"

namespace plexus::cli {
namespace {

struct EvaluateOptions {
  std::string model, data, label, loss;
  BackendFlags backend;
  bool json = false;
};

Loss make_loss(const std::string& name, const Sequential& model) {
  if (!model.schema().classes.empty()) {
    if (!name.empty())
      throw ArgumentError("--loss " + name + " is for regression, but the model has classes");
    return SoftmaxCrossEntropy{};
  }
  if (name == "mae") return Mae{};
  if (name == "huber") return Huber{};
  return Mse{};
}

int evaluate(const EvaluateOptions& options) {
  const Context context = make_inference_context(context_options(options.backend));
  Sequential model = load_model(options.model);
  const Loss loss = make_loss(options.loss, model);
  const Dataset data = open_labelled_rows(options.data, model, options.label);
  Trainer trainer(model, {.loss = loss}, context);
  const Evaluation evaluation = trainer.evaluate(data);
  const std::vector<UnknownCategories> unknown = unknown_categories(data);
  if (options.json) {
    print_json(to_json(evaluation, unknown));
    return ok;
  }
  std::ostringstream text;
  text << to_string(loss) << ": " << evaluation << note(unknown);
  std::fputs(text.str().c_str(), stdout);
  return ok;
}

}  // namespace

Command evaluate_command(App& parent) {
  const auto options = std::make_shared<EvaluateOptions>();
  App app = parent.add_subcommand("evaluate", "Test a saved model on labelled data");
  app.add_option("MODEL", options->model, "A file that plexus train --out wrote").required();
  app.add_option("DATA", options->data,
                 "A .npy or .csv table, fashion-mnist, or a directory of IDX files (its test part)")
      .required();
  app.add_option("--label", options->label,
                 "Label column, by name or number (default: the model's, by name where DATA has names; else "
                 "the last)")
      .type_name("NAME|INDEX");
  app.add_option("--loss", options->loss, "For regression: mse, mae or huber (default: mse)")
      .type_name("NAME")
      .check(one_of({"mse", "mae", "huber"}));
  add_flags(app, options->backend);
  app.add_flag("--json", options->json, "Print one JSON object");
  app.footer("Example:\n  plexus evaluate iris.safetensors iris.csv --json");
  return {app, [options] { return evaluate(*options); }};
}

}  // namespace plexus::cli

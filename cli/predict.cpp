// plexus predict: raw rows in, class names or values out.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "plexus/cli/command.h"
#include "plexus/cli/exit_code.h"
#include "plexus/cli/flags.h"
#include "plexus/cli/model_data.h"
#include "plexus/cli/output.h"
#include "plexus/cli/predictions.h"
#include "plexus/core/error.h"
#include "plexus/io/csv.h"
#include "plexus/io/npy.h"
#include "plexus/layers/activation.h"
#include "plexus/trainer/model_file.h"
#include "plexus/trainer/trainer.h"

namespace plexus::cli {
namespace {

struct PredictOptions {
  std::string model, data, out;
  BackendFlags backend;
  bool probabilities = false;
};

// A float as the double with the fewest digits that reads back as the same float: 0.1, not 0.10000000149.
double shortest(float value) {
  char text[32];
  double result = value;
  if (std::isfinite(value)) std::from_chars(text, std::to_chars(text, text + sizeof text, value).ptr, result);
  return result;
}

/// Outputs become probabilities, row by row: logits, unless the model ends in Softmax or LogSoftmax.
void make_probabilities(const Sequential& model, Tensor& outputs) {
  const auto* head = dynamic_cast<const ActivationLayer*>(&model[model.size() - 1]);
  if (head && head->kind() == Activation::softmax) return;
  const bool logarithms = head && head->kind() == Activation::log_softmax;
  const auto columns = size_t(outputs.shape().columns());
  const auto values = outputs.values<float>();
  for (size_t first = 0; first < values.size(); first += columns) {
    const auto row = values.subspan(first, columns);
    if (logarithms) {
      for (float& value : row) value = float(std::exp(double{value}));
    } else {
      const std::vector<double> shares = probabilities(row);
      std::copy(shares.begin(), shares.end(), row.begin());
    }
  }
}

/// The first of equal ones, as everywhere in Plexus.
std::vector<int32_t> classes_of(const Tensor& outputs) {
  const auto columns = size_t(outputs.shape().columns());
  const auto values = outputs.values<float>();
  std::vector<int32_t> classes;
  for (size_t first = 0; first < values.size(); first += columns) {
    const auto row = values.subspan(first, columns);
    classes.push_back(int32_t(std::max_element(row.begin(), row.end()) - row.begin()));
  }
  return classes;
}

Table table_of(const Sequential& model, const Tensor& outputs, bool probabilities) {
  const Schema& schema = model.schema();
  Table table;
  const auto column = [&](const std::string& name, size_t position) {
    const auto values = outputs.values<float>();
    const auto columns = size_t(outputs.shape().columns());
    std::vector<double> numbers;
    for (size_t i = position; i < values.size(); i += columns) numbers.push_back(shortest(values[i]));
    table.columns.push_back({name, std::move(numbers)});
  };
  if (!schema.classes.empty()) {
    std::vector<std::string> names;
    for (const int32_t number : classes_of(outputs)) names.push_back(schema.classes[size_t(number)]);
    table.columns.push_back({"prediction", std::move(names)});
    for (size_t c = 0; probabilities && c < schema.classes.size(); ++c) column(schema.classes[c], c);
    return table;
  }
  const auto count = size_t(outputs.shape().columns());
  for (size_t c = 0; c < count; ++c)
    column(!schema.targets.empty() ? schema.targets[c]
           : count == 1            ? "prediction"
                                   : "prediction " + std::to_string(c),
           c);
  return table;
}

/// Class numbers, or probabilities, or values.
Tensor matrix_of(const Sequential& model, const Tensor& outputs, bool probabilities) {
  if (model.schema().classes.empty() || probabilities) return outputs;
  const std::vector<int32_t> classes = classes_of(outputs);
  return Tensor::from(std::span<const int32_t>(classes), {int64_t(classes.size())});
}

int predict(const PredictOptions& options) {
  const Context context = make_inference_context(context_options(options.backend));
  const std::string ending = std::filesystem::path(options.out).extension();
  if (!options.out.empty()) {
    if (ending != ".csv" && ending != ".npy")
      throw ArgumentError("-o " + options.out + ": expected a name that ends in .csv or .npy");
    check_output(options.out);
  }
  Sequential model = load_model(options.model);
  if (options.probabilities && model.schema().classes.empty())
    throw ArgumentError("--proba: " + options.model + " has no classes: it predicts values");
  const Dataset rows = open_rows(options.data, model);
  Trainer trainer(model, {}, context);
  Tensor outputs = trainer.predict(rows);
  outputs = std::move(outputs).reshaped({rows.size(), model.output_shape().elements()});
  if (options.probabilities) make_probabilities(model, outputs);
  std::fputs(note(unknown_categories(rows)).c_str(), stderr);
  if (ending == ".npy")
    save_npy(options.out, matrix_of(model, outputs, options.probabilities));
  else if (ending == ".csv")
    save_csv(options.out, table_of(model, outputs, options.probabilities), {.header = true});
  else
    std::fputs(to_csv(table_of(model, outputs, options.probabilities), {.header = true}).c_str(), stdout);
  return ok;
}

}  // namespace

Command predict_command(App& parent) {
  const auto options = std::make_shared<PredictOptions>();
  App app = parent.add_subcommand("predict", "Predict from raw rows with a saved model");
  app.add_option("MODEL", options->model, "A file that plexus train --out wrote").required();
  app.add_option("DATA", options->data,
                 "Rows as in the training data, without labels: a .npy or .csv table, fashion-mnist, or a "
                 "directory of "
                 "IDX files (its test part)")
      .required();
  app.add_option(
         "-o,--out", options->out,
         "Write to FILE: .csv with class names, or .npy with class numbers (default: CSV on standard output)")
      .type_name("FILE");
  app.add_flag("--proba", options->probabilities, "Probabilities of all classes too (.npy: alone)");
  add_flags(app, options->backend);
  app.footer("Example:\n  plexus predict iris.safetensors new.csv --proba -o predictions.csv");
  return {app, [options] { return predict(*options); }};
}

}  // namespace plexus::cli

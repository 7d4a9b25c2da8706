// plexus explain: which columns a saved model needs, and which features an answer came from.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "plexus/cli/command.h"
#include "plexus/cli/exit_code.h"
#include "plexus/cli/flags.h"
#include "plexus/cli/image.h"
#include "plexus/cli/model_data.h"
#include "plexus/cli/print_json.h"
#include "plexus/core/error.h"
#include "plexus/trainer/explanation.h"
#include "plexus/trainer/importance.h"
#include "plexus/trainer/model_file.h"

namespace plexus::cli {
namespace {

using Json = nlohmann::ordered_json;

struct ExplainOptions {
  std::string model, data, label, output, colour = "auto";
  std::vector<int64_t> rows;
  int64_t repeats = 10, top = 20;
  uint64_t seed = 0;
  bool gradients = false, json = false;
  BackendFlags backend;
};

constexpr int bar_width = 30;

std::string bar(double share) {
  return std::string(static_cast<size_t>(std::lround(bar_width * std::clamp(share, 0.0, 1.0))), '#');
}

std::string name_of(const Dataset& data, size_t column) {
  const auto& names = data.column_names();
  return names.empty() || names[column].empty() ? "column " + std::to_string(column) : names[column];
}

int importance(const ExplainOptions& options, Sequential& model, const Context& context) {
  const Dataset data = open_labelled_rows(options.data, model, options.label);
  const Loss loss = data.classes() > 0 ? Loss(SoftmaxCrossEntropy{}) : Loss(Mse{});
  Trainer trainer(model, {.loss = loss}, context);
  const std::vector<Importance> found =
      permutation_importance(trainer, data, {.repeats = options.repeats, .seed = options.seed});
  const char* const score = data.classes() > 0 ? "accuracy" : "R2";
  if (options.json) {
    Json json = {
        {"rows", data.size()}, {"repeats", options.repeats}, {"score", score}, {"columns", Json::array()}};
    for (const Importance& one : found)
      json["columns"].push_back({{"column", name_of(data, static_cast<size_t>(one.column))},
                                 {"importance", one.mean},
                                 {"interval", {one.interval.low, one.interval.high}}});
    print_json(json);
    return ok;
  }
  std::printf(
      "how much %s falls when a column's values are dealt anew among the %lld rows (%lld times, 95 %% "
      "interval)\n",
      score, (long long)data.size(), (long long)options.repeats);
  size_t width = 0;
  const size_t shown = std::min(found.size(), static_cast<size_t>(options.top));
  for (size_t i = 0; i < shown; ++i)
    width = std::max(width, name_of(data, static_cast<size_t>(found[i].column)).size());
  for (size_t i = 0; i < shown; ++i) {
    const Importance& one = found[i];
    std::printf("%-*s  %7.4f  (%7.4f to %7.4f)  %s\n", static_cast<int>(width),
                name_of(data, static_cast<size_t>(one.column)).c_str(), one.mean, one.interval.low,
                one.interval.high, bar(one.mean / std::max(found[0].mean, 1e-12)).c_str());
  }
  if (shown < found.size()) std::printf("and %zu more (--top)\n", found.size() - shown);
  return ok;
}

/// The output that --output names, by class or number.
int64_t output_of(const ExplainOptions& options, const Sequential& model) {
  const auto& names = model.schema().classes.empty() ? model.schema().targets : model.schema().classes;
  const auto found = std::find(names.begin(), names.end(), options.output);
  if (found != names.end()) return found - names.begin();
  const bool number = !options.output.empty() && options.output.size() < 10 &&
                      options.output.find_first_not_of("0123456789") == std::string::npos;
  const int64_t output = number ? std::stoll(options.output) : -1;
  if (output < 0 || output >= model.output_shape().elements())
    throw ArgumentError("--output " + options.output +
                        ": the model has none of that name or number; see plexus inspect");
  return output;
}

/// Strength of every pixel, 0 to 1.
Image picture(const Shape& shape, std::span<const double> values) {
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::abs(value));
  Image image{shape[0], shape[1], {}};
  for (const double value : values) image.grey.push_back(largest > 0 ? std::abs(value) / largest : 0);
  return image;
}

void print_bars(const ExplainOptions& options, const Dataset& rows, int64_t row, std::span<const double> values) {
  std::vector<double> features(values.size());
  rows.read_features(row, features.data());
  std::vector<size_t> order(values.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return std::abs(values[a]) > std::abs(values[b]); });
  const size_t shown = std::min(order.size(), static_cast<size_t>(options.top));
  size_t width = 0;
  for (size_t i = 0; i < shown; ++i) width = std::max(width, name_of(rows, order[i]).size());
  for (size_t i = 0; i < shown; ++i) {
    const size_t column = order[i];
    const double share = std::abs(values[column]) / std::max(std::abs(values[order[0]]), 1e-300);
    std::printf("  %-*s  %10.4g  %+10.4f  %s\n", static_cast<int>(width), name_of(rows, column).c_str(),
                features[column], values[column], bar(share).c_str());
  }
  if (shown < order.size()) std::printf("  and %zu more (--top)\n", order.size() - shown);
}

int explain_rows(const ExplainOptions& options, Sequential& model, const Context& context) {
  const Dataset all = open_rows(options.data, model);
  for (const int64_t row : options.rows)
    if (row < 0 || row >= all.size())
      throw ArgumentError("--rows: row " + std::to_string(row) + ": " + options.data + " has rows 0 to " +
                          std::to_string(all.size() - 1));
  const Dataset rows = all.subset(options.rows);
  Trainer trainer(model, {}, context);
  const Tensor predicted = trainer.predict_classes(rows);  // of values: the largest one's column
  std::vector<int64_t> outputs;
  for (const int32_t output : predicted.values<int32_t>())
    outputs.push_back(options.output.empty() ? output : output_of(options, model));
  const auto& names = model.schema().classes.empty() ? model.schema().targets : model.schema().classes;
  const auto name = [&](int64_t output) {
    const auto i = static_cast<size_t>(output);
    return i < names.size() && !names[i].empty() ? names[i] : "output " + std::to_string(output);
  };
  Explainer explainer(model, context);
  Attributions found;
  if (options.gradients)
    found.values = explainer.gradients(rows, outputs);
  else
    found = explainer.integrated_gradients(rows, outputs);

  const size_t width = static_cast<size_t>(rows.feature_shape().elements());
  Json json = Json::array();
  for (size_t i = 0; i < outputs.size(); ++i) {
    const auto values = std::span<const double>(found.values.values<double>()).subspan(i * width, width);
    if (options.json) {
      Json one = {{"row", options.rows[i]}, {"output", name(outputs[i])}};
      if (!options.gradients)
        one.update(
            {{"value", found.output[i]}, {"baseline", found.baseline[i]}, {"residual", found.residual[i]}});
      one[options.gradients ? "gradients" : "attributions"] =
          std::vector<double>(values.begin(), values.end());
      json.push_back(one);
      continue;
    }
    if (options.gradients)
      std::printf("%srow %lld, %s: gradient\n", i ? "\n" : "", (long long)options.rows[i],
                  name(outputs[i]).c_str());
    else
      std::printf("%srow %lld, %s: %.4f, at the baseline %.4f (attributions add up to within %.1e)\n",
                  i ? "\n" : "", (long long)options.rows[i], name(outputs[i]).c_str(), found.output[i],
                  found.baseline[i], found.residual[i]);
    if (has_images(rows))
      for (const std::string& line :
           draw(picture(rows.feature_shape(), values), colours(options.colour, stdout)))
        std::printf("%s\n", line.c_str());
    else
      print_bars(options, rows, static_cast<int64_t>(i), values);
  }
  if (options.json) print_json(json);
  return ok;
}

int explain(const ExplainOptions& options) {
  const Context context = make_inference_context(context_options(options.backend));
  Sequential model = load_model(options.model);
  if (options.rows.empty()) {
    if (!options.output.empty() || options.gradients)
      throw ArgumentError(std::string(options.gradients ? "--gradients" : "--output") +
                          " explains rows: name some by --rows");
    return importance(options, model, context);
  }
  return explain_rows(options, model, context);
}

}  // namespace

Command explain_command(App& parent) {
  const auto options = std::make_shared<ExplainOptions>();
  App app = parent.add_subcommand(
      "explain", "Which columns a saved model needs, and which features an answer came from");
  app.add_option("MODEL", options->model, "A file that plexus train --out wrote").required();
  app.add_option("DATA", options->data,
                 "A .npy or .csv table, fashion-mnist, or a directory of IDX files (its test part); with "
                 "labels unless --rows")
      .required();
  app.add_option("--rows", options->rows,
                 "Explain the answers for these rows of DATA, from 0 (default: the importance of columns, "
                 "over all rows)")
      .type_name("I,J,...")
      .delimiter(',');
  app.add_option("--output", options->output,
                 "With --rows: the class or target to explain (default: what the model predicts)")
      .type_name("NAME|INDEX");
  app.add_flag("--gradients", options->gradients, "With --rows: plain gradients instead of integrated ones");
  app.add_option("--label", options->label,
                 "Label column, by name or number (default: the model's, by name where DATA has names; else "
                 "the last)")
      .type_name("NAME|INDEX");
  app.add_option("--repeats", options->repeats, "Permutations of each column (default: 10)")
      .type_name("N")
      .check(whole_number(2));
  app.add_option("--seed", options->seed, "Seed of the permutations (default: 0)")
      .type_name("N")
      .check(whole_number(0));
  app.add_option("--top", options->top, "Print N columns, the strongest first (default: 20)")
      .type_name("N")
      .check(whole_number(1));
  app.add_option("--color", options->colour, "auto, always or never (default: auto)")
      .type_name("WHEN")
      .check(one_of({"auto", "always", "never"}));
  add_flags(app, options->backend);
  app.add_flag("--json", options->json, "Print JSON");
  app.footer(
      "Importance is how much the score falls when the values of a column are dealt anew among the rows: "
      "take data that\n"
      "the model was not trained on. Rows are explained by integrated gradients: how much each feature moved "
      "the output\n"
      "(a logit, for classes) from what the model gives at its baseline, the mean of the training data "
      "behind Standardize.\n\n"
      "Examples:\n"
      "  plexus explain houses.safetensors houses.csv\n"
      "  plexus explain iris.safetensors iris.csv --rows 0,50\n"
      "  plexus explain fashion.safetensors fashion-mnist --rows 3");
  return {app, [options] { return explain(*options); }};
}

}  // namespace plexus::cli

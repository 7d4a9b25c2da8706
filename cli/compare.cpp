// plexus compare: two saved models on the same labelled rows. Is one better, or is it chance?
#include <cmath>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>

#include "plexus/cli/command.h"
#include "plexus/cli/exit_code.h"
#include "plexus/cli/flags.h"
#include "plexus/cli/model_data.h"
#include "plexus/cli/print_json.h"
#include "plexus/core/error.h"
#include "plexus/trainer/model_file.h"
#include "plexus/trainer/trainer.h"

namespace plexus::cli {
namespace {

using Json = nlohmann::ordered_json;

struct CompareOptions {
  std::string first, second, data, label;
  BackendFlags backend;
  bool json = false;
};

// The usual limit; an interval of 95 % leaves out 0 where p is smaller.
constexpr double significant = 0.05;

struct Tested {
  Sequential model;
  Dataset data;
  Tensor outputs, classes;
};

Tested test(const std::string& path, const CompareOptions& options, const Context& context) {
  Sequential model = load_model(path);
  Dataset data = open_labelled_rows(options.data, model, options.label);
  Trainer trainer(model, {.loss = data.labels() ? Loss(SoftmaxCrossEntropy{}) : Loss(Mse{})}, context);
  trainer.evaluate(data);  // refuses data that are not the model's
  Tensor outputs = trainer.predict(data), classes = trainer.predict_classes(data);
  return {std::move(model), std::move(data), std::move(outputs), std::move(classes)};
}

std::vector<uint8_t> right(const Tested& tested) {
  const auto predicted = tested.classes.values<int32_t>();
  std::vector<uint8_t> marks(predicted.size());
  for (size_t row = 0; row < marks.size(); ++row)
    marks[row] = predicted[row] == tested.data.label(static_cast<int64_t>(row));
  return marks;
}

/// Of each row, the mean over its target columns of the squared error.
std::vector<double> squared_errors(const Tested& tested) {
  const auto columns = static_cast<size_t>(tested.outputs.shape().columns());
  const auto values = tested.outputs.values<float>();
  std::vector<double> target(columns), errors(static_cast<size_t>(tested.data.size()));
  for (size_t row = 0; row < errors.size(); ++row) {
    tested.data.read_target(static_cast<int64_t>(row), target.data());
    for (size_t c = 0; c < columns; ++c)
      errors[row] += std::pow(values[row * columns + c] - target[c], 2) / static_cast<double>(columns);
  }
  return errors;
}

const char* verdict(bool differ, bool first_better) {
  if (!differ) return "no difference that is more than chance";
  return first_better ? "A is better" : "B is better";
}

void compare_classes(const CompareOptions& options, const Tested& a, const Tested& b) {
  const Comparison c = compare_classifiers(right(a), right(b));
  const auto rows = static_cast<double>(c.rows);
  const int64_t first = c.both + c.only_first, second = c.both + c.only_second;
  const Interval first_interval = wilson_interval(first, c.rows),
                 second_interval = wilson_interval(second, c.rows);
  const char* const words = verdict(c.p<significant, c.difference> 0);
  if (options.json) {
    const auto model = [&](const std::string& path, int64_t correct, const Interval& interval) -> Json {
      return {{"model", path},
              {"accuracy", static_cast<double>(correct) / rows},
              {"interval", {interval.low, interval.high}}};
    };
    const Json json = {{"task", "classify"},
                       {"rows", c.rows},
                       {"a", model(options.first, first, first_interval)},
                       {"b", model(options.second, second, second_interval)},
                       {"both", c.both},
                       {"only_a", c.only_first},
                       {"only_b", c.only_second},
                       {"neither", c.neither},
                       {"difference", c.difference},
                       {"interval", {c.interval.low, c.interval.high}},
                       {"p", c.p},
                       {"verdict", words}};
    print_json(json);
    return;
  }
  const auto line = [&](char name, const std::string& path, int64_t correct, const Interval& interval) {
    std::printf("%c  accuracy %.2f %% (95 %% interval %.2f to %.2f %%)  %s\n", name,
                100 * static_cast<double>(correct) / rows, 100 * interval.low, 100 * interval.high,
                path.c_str());
  };
  line('A', options.first, first, first_interval);
  line('B', options.second, second, second_interval);
  std::printf("%lld rows: both right %lld, only A %lld, only B %lld, neither %lld\n", (long long)c.rows,
              (long long)c.both, (long long)c.only_first, (long long)c.only_second, (long long)c.neither);
  std::printf("A - B %+.2f points (95 %% interval %+.2f to %+.2f), McNemar's test p = %.3g: %s\n",
              100 * c.difference, 100 * c.interval.low, 100 * c.interval.high, c.p, words);
}

void compare_values(const CompareOptions& options, const Tested& a, const Tested& b) {
  const std::vector<double> first = squared_errors(a), second = squared_errors(b);
  const auto mean = [](const std::vector<double>& errors) {
    return std::accumulate(errors.begin(), errors.end(), 0.0) / static_cast<double>(errors.size());
  };
  std::vector<double> differences(first.size());
  for (size_t row = 0; row < first.size(); ++row) differences[row] = first[row] - second[row];
  const double first_mean = mean(first), second_mean = mean(second), difference = mean(differences);
  const Interval interval = mean_interval(differences);
  const char* const words = verdict(interval.low > 0 || interval.high < 0, difference < 0);
  if (options.json) {
    const Json json = {{"task", "regress"},
                       {"rows", first.size()},
                       {"a", {{"model", options.first}, {"mse", first_mean}}},
                       {"b", {{"model", options.second}, {"mse", second_mean}}},
                       {"difference", difference},
                       {"interval", {interval.low, interval.high}},
                       {"verdict", words}};
    print_json(json);
    return;
  }
  std::printf("A  mean squared error %.4g  %s\nB  mean squared error %.4g  %s\n", first_mean,
              options.first.c_str(), second_mean, options.second.c_str());
  std::printf("%zu rows: A - B %+.4g (95 %% interval %+.4g to %+.4g): %s\n", first.size(), difference,
              interval.low, interval.high, words);
}

int compare(const CompareOptions& options) {
  const Context context = make_inference_context(context_options(options.backend));
  const Tested a = test(options.first, options, context), b = test(options.second, options, context);
  if (a.data.labels() != b.data.labels())
    throw DataError("one model has classes, the other has none: compare two of a kind");
  if (a.data.labels())
    compare_classes(options, a, b);
  else
    compare_values(options, a, b);
  return ok;
}

}  // namespace

Command compare_command(App& parent) {
  const auto options = std::make_shared<CompareOptions>();
  App app = parent.add_subcommand("compare", "Compare two saved models on the same labelled data");
  app.add_option("MODEL_A", options->first, "A file that plexus train --out wrote").required();
  app.add_option("MODEL_B", options->second, "Another one").required();
  app.add_option("DATA", options->data,
                 "A .npy or .csv table, fashion-mnist, or a directory of IDX files (its test part)")
      .required();
  app.add_option("--label", options->label,
                 "Label column, by name or number (default: the models', by name where DATA has names; else "
                 "the last)")
      .type_name("NAME|INDEX");
  add_flags(app, options->backend);
  app.add_flag("--json", options->json, "Print one JSON object");
  app.footer(
      "Rows that only one of two classifiers has right decide (McNemar's test); for regression the interval "
      "of the\n"
      "mean difference of squared errors does. Compare on data that neither was trained on.\n\n"
      "Example:\n  plexus compare small.safetensors large.safetensors test.csv");
  return {app, [options] { return compare(*options); }};
}

}  // namespace plexus::cli

#include "plexus/cli/repetition.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "plexus/cli/exit_code.h"
#include "plexus/cli/interrupt.h"
#include "plexus/cli/output.h"
#include "plexus/cli/print_json.h"
#include "plexus/cli/result.h"
#include "plexus/cli/session.h"
#include "plexus/trainer/model_file.h"
#include "plexus/trainer/scores.h"

namespace plexus::cli {
namespace {

using Json = nlohmann::ordered_json;

/// What several trainings cannot share, each with what to do instead.
void check(const TrainOptions& options) {
  const bool seeds = options.seeds > 0;
  if (seeds && options.folds > 0) throw ArgumentError("--seeds and --folds exclude each other");
  const std::string mode = seeds ? "--seeds" : "--folds";
  refuse_files(options, mode, "train with one --seed for it");
  if (seeds) {
    if (!options.out.empty() && options.validation == 0)
      throw ArgumentError(
          "--out with --seeds saves the network that validates best: give --validation more than 0");
    return;
  }
  refuse(!options.out.empty(), "--out", mode,
         "each of its networks misses a part of the data; train without it");
  refuse(!options.test.empty(), "--test", mode, "every row is tested on once");
  refuse(options.test_fraction.has_value(), "--test-fraction", mode, "every row is tested on once");
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// At most 1, as all but errors and losses.
bool is_share(const std::string& figure) { return figure != "loss" && figure != "rmse" && figure != "mae"; }

/// Of every figure of the tests: mean, standard deviation, interval. Null for fewer than two trainings.
Json summarize(const Json& runs) {
  if (runs.size() < 2) return {};
  Json summary = Json::object();
  for (const auto& [figure, first] : runs[0]["test"].items()) {
    if (!first.is_number()) continue;
    std::vector<double> values;
    for (const Json& run : runs) values.push_back(run["test"][figure]);
    // Cut off at what a figure can be: the mean is in what is left just as surely.
    const Interval t = mean_interval(values);
    const Interval interval{figure == "r2" ? t.low : std::max(t.low, 0.0),
                            is_share(figure) ? std::min(t.high, 1.0) : t.high};
    summary[figure] = {{"mean", mean(values)},
                       {"sd", standard_deviation(values)},
                       {"interval", {interval.low, interval.high}}};
  }
  return summary;
}

/// Of the weights that the network has in the end; infinity where it was not validated.
double validation_loss(const TrainingResult& result) {
  const auto& epochs = result.history.epochs;
  const size_t last = result.best_epoch > 0 ? static_cast<size_t>(result.best_epoch) : epochs.size();
  const double loss = last > 0 && last <= epochs.size() ? epochs[last - 1].validation_loss : INFINITY;
  return std::isnan(loss) ? INFINITY : loss;
}

/// A figure as people read it.
struct Figure {
  const char *key, *name;
  double scale;
  const char* unit;
  int digits;
};
constexpr Figure of_classes[] = {
    {"accuracy", "accuracy", 100, " %", 2}, {"loss", "loss", 1, "", 4}, {"f1", "F1", 1, "", 4}};
constexpr Figure of_numbers[] = {
    {"rmse", "RMSE", 1, "", 4}, {"mae", "MAE", 1, "", 4}, {"r2", "R2", 1, "", 4}};

void print(std::FILE* out, const char* kind, int64_t number, const Json& run,
           std::span<const Figure> figures) {
  std::fprintf(out, "%s %-4lld", kind, (long long)number);
  for (const Figure& f : figures)
    std::fprintf(out, "  %s %.*f%s", f.name, f.digits, f.scale * run["test"][f.key].get<double>(), f.unit);
  std::fprintf(out, "  (%zu epochs)\n", run["epochs"].size());
  std::fflush(out);
}

void print(std::FILE* out, const Json& summary, size_t runs, std::span<const Figure> figures) {
  std::fprintf(out, "\nmean of %zu, standard deviation, 95 %% interval of the mean (Student's t)\n", runs);
  for (const Figure& f : figures) {
    const Json& s = summary[f.key];
    const auto number = [&](const Json& value) { return f.scale * value.get<double>(); };
    std::fprintf(out, "%-8s  %.*f%s ± %.*f  (%.*f to %.*f%s)\n", f.name, f.digits, number(s["mean"]), f.unit,
                 f.digits, number(s["sd"]), f.digits, number(s["interval"][0]), f.digits,
                 number(s["interval"][1]), f.unit);
  }
}

}  // namespace

int repeat(const TrainOptions& options) {
  check(options);
  const bool by_seed = options.seeds > 0;
  TrainingSetup setup(options);
  catch_interrupts();
  setup.open();
  if (!options.out.empty()) check_names(options.data, setup.data().train);
  const std::span<const Figure> figures = setup.classify() ? std::span<const Figure>(of_classes) : of_numbers;
  std::FILE* const out = setup.out();

  std::vector<Parts> folds;
  if (!by_seed) folds = setup.folds();
  const int64_t count = by_seed ? options.seeds : options.folds;
  Json runs = Json::array();
  std::optional<Sequential> best;
  int64_t best_seed = 0;
  double lowest = INFINITY;
  for (int64_t i = 0; i < count && !interrupted(); ++i) {
    const uint64_t seed = options.seed + (by_seed ? static_cast<uint64_t>(i) : 0);
    Session session(setup, by_seed ? setup.divide(seed) : std::move(folds[static_cast<size_t>(i)]), seed);
    session.tune();
    if (i == 0) {
      session.describe();
      if (options.plan) std::fprintf(out, "%s\n", session.trainer().plan(session.fit().batch_size).c_str());
      if (!by_seed && setup.data().test)
        std::fprintf(out, "the test data of %s are left alone\n", options.data.c_str());
    }
    if (i == 0 && !options.no_diagnosis) session.diagnose();  // the others have the same data
    session.train(nullptr);
    const TrainingResult result = session.result();
    if (!result.test) break;
    Json run = to_json(result);
    if (!by_seed) run["fold"] = i + 1;
    print(out, by_seed ? "seed" : "fold", by_seed ? static_cast<int64_t>(seed) : i + 1, run, figures);
    runs.push_back(std::move(run));
    if (!options.out.empty() && validation_loss(result) < lowest) {
      lowest = validation_loss(result);
      best = std::move(session.network());
      best_seed = static_cast<int64_t>(seed);
    }
  }
  const Json summary = summarize(runs);
  if (!summary.is_null()) print(out, summary, runs.size(), figures);
  if (best) {
    save(*best, options.out);
    std::fprintf(out, "\nmodel     %s, of seed %lld: the lowest validation loss\n", options.out.c_str(),
                 (long long)best_seed);
  }
  if (options.json) print_json(Json({{"runs", runs}, {"summary", summary}}));
  const int signal = interrupted();
  if (signal)
    std::fprintf(stderr, "plexus: stopped by signal %d after %zu of %lld trainings\n", signal, runs.size(),
                 (long long)count);
  return signal ? signalled + signal : ok;
}

}  // namespace plexus::cli

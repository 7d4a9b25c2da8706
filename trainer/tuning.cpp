#include "plexus/trainer/tuning.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iomanip>
#include <numeric>
#include <sstream>

#include "plexus/core/cpu.h"
#include "plexus/core/error.h"
#include "plexus/trainer/checkpoint_directory.h"
#include "plexus/trainer/preflight.h"
#include "plexus/trainer/preprocessing.h"
#include "plexus/trainer/training_step.h"
#include "plexus/trainer/tuner.h"
#include "plexus/trainer/tuning_cache.h"

namespace plexus {
namespace {

/// A step that takes the reference a few milliseconds at most: below, its missing overhead may win; above, it is ten times slower
/// than vector kernels, and not worth the time.
constexpr double most_operations_for_reference = 0x1p22;
/// What preprocessing learns means and deviations from: enough that values have their usual size.
constexpr int64_t rows_to_fit = 1024;

struct Choice {
  std::string backend;
  std::vector<int> threads;
  int preference;
  bool watched;
};

/// 1, 2, 4, ... and `most`.
std::vector<int> thread_counts(const std::vector<int>& given, int most) {
  std::vector<int> counts = given;
  for (const int count : given)
    if (count < 1 || count > most)
      throw ArgumentError("tune: " + std::to_string(count) + " threads: choose 1 to " + std::to_string(most));
  if (given.empty()) {
    for (int count = 1; count < most; count *= 2) counts.push_back(count);
    counts.push_back(most);
  }
  std::sort(counts.begin(), counts.end());
  counts.erase(std::unique(counts.begin(), counts.end()), counts.end());
  return counts;
}

/// The candidates, in the order of the table. `small`: the reference might win.
std::vector<Choice> choices(const TuningOptions& tuning, int most, bool small) {
  const std::vector<BackendRow> table = backends();
  const std::vector<int> counts = thread_counts(tuning.threads, most);
  const std::string preferred = default_backend(table), reference = table.back().name;
  std::vector<Choice> result;
  const auto add = [&](const BackendRow& row, std::vector<int> threads) {
    const auto place = static_cast<int>(&row - table.data());
    result.push_back({row.name, std::move(threads), row.name == preferred ? -1 : place, !row.file.empty()});
  };
  for (const std::string& name : tuning.backends) {
    if (std::any_of(result.begin(), result.end(), [&](const Choice& c) { return c.backend == name; }))
      throw ArgumentError("tune: backend '" + name + "' is named twice");
    add(select(name, table), counts);
  }
  if (!tuning.backends.empty()) return result;
  for (const BackendRow& row : table) {
    if (!row.usable) continue;
    if (row.name != reference || row.name == preferred)
      add(row, counts);
    else if (small)  // too little to share among threads
      add(row, {counts.front()});
  }
  return result;
}

Json identity(const BackendRow& row) {
  if (row.file.empty()) return {{"name", row.name}};
  std::error_code error;
  const auto size = std::filesystem::file_size(row.file, error);
  const auto modified = std::filesystem::last_write_time(row.file, error).time_since_epoch().count();
  return {{"name", row.name}, {"file", row.file}, {"bytes", size}, {"modified", modified}};
}

std::string text_of(Fallback fallback) {
  return fallback == Fallback::error ? "error" : fallback == Fallback::warn ? "warn" : "allow";
}

Json question(const std::vector<Choice>& candidates, const Environment& environment,
              const std::vector<Program>& programs, const TrainerOptions& options, const Exercise& exercise) {
  Json names = Json::array();
  for (const Choice& choice : candidates) names.push_back({{"backend", choice.backend}, {"threads", choice.threads}});
  return {{"candidates", names},
          {"last_resort", backends().back().name},
          {"isa", to_string(environment.max_isa)},
          {"threads", environment.threads},
          {"fallback", text_of(environment.policies.fallback)},
          {"rows", exercise.rows.size()},
          {"accumulate", options.accumulate},
          {"operations", operations_of(programs)}};
}

Json machine(const std::vector<Choice>& candidates) {
  Json identities = Json::array();
  for (const BackendRow& row : backends())
    if (std::any_of(candidates.begin(), candidates.end(), [&](const Choice& c) { return c.backend == row.name; }))
      identities.push_back(identity(row));
  return {{"CPU", cpu().name}, {"Plexus", build_description()}, {"backends", identities}};
}

std::optional<Tuning> resumed(const FitOptions& fit, const ContextOptions& options, int most) {
  if (!fit.checkpoints.resume || fit.checkpoints.directory.empty()) return std::nullopt;
  std::string file;
  const std::optional<Checkpoint> found =
      CheckpointDirectory(fit.checkpoints, make_inference_context(options)).newest(file);
  if (!found) return std::nullopt;
  return Tuning{.backend = found->backend, .threads = std::min(found->threads, most), .source = file};
}

/// Rows, and a network that is built where it was not: with what it learns from these rows.
void prepare(Exercise& exercise, const Dataset& rows) {
  if (exercise.network.size() == 0) throw ArgumentError("tune: the network has no layers: add some");
  learn_categories(exercise.network, rows);
  exercise.rows = encoded(exercise.network, rows);
  exercise.network.build(exercise.rows.feature_shape(), exercise.options.seed);
}

Dataset first_rows(const Dataset& data, int64_t count) {
  std::vector<int64_t> rows(static_cast<size_t>(std::min(count, data.size())));
  std::iota(rows.begin(), rows.end(), int64_t{0});
  return data.subset(std::move(rows));
}

}  // namespace

Tuning tune(const Sequential& network, const TrainerOptions& options, const Dataset& data, const FitOptions& fit,
            const TuningOptions& tuning) {
  check_fit(network, options.loss, data);
  ContextOptions context = tuning.context;
  context.backend = auto_backend;
  const Environment environment = Environment::resolve(context);
  if (auto before = resumed(fit, context, environment.threads)) return *before;
  if (data.size() == 0) throw DataError("tune: no rows: give some to train on");

  const auto exercise = std::make_shared<Exercise>();
  exercise->options = options;
  exercise->batch = fit.full_batch ? data.size() : std::min(fit.batch_size, data.size());
  exercise->tail = data.size() % exercise->batch;
  const Dataset rows = first_rows(data, exercise->batch * options.accumulate);
  const Dataset to_fit = first_rows(data, std::max(rows.size(), rows_to_fit));
  // A copy of a large network is for those who measure, not for the cache.
  if (!network.built()) {
    exercise->network = network.clone();
    prepare(*exercise, to_fit);
  }
  const Sequential& built = network.built() ? network : exercise->network;
  exercise->rows = encoded(built, rows);
  const std::vector<Program> programs = step_programs(
      built,
      step_lowering(built, options, exercise->batch, exercise->tail, rows.labels(), rows.has_sample_weights()),
      options.accumulate);

  const bool small = row_operations(built) * static_cast<double>(rows.size()) <= most_operations_for_reference;
  const std::vector<Choice> candidates =
      choices(tuning, environment.threads, small || built.dtype() == DType::f64);
  const TuningCache cache(tuning.cache.value_or(cache_directory()),
                          question(candidates, environment, programs, options, *exercise), machine(candidates),
                          context.sink);
  if (!tuning.fresh)
    if (auto known = cache.load()) return *known;

  if (network.built()) exercise->network = network.clone();
  fit_preprocessing(exercise->network, encoded(exercise->network, to_fit));
  Tuner tuner(exercise, context, tuning.seconds);
  // Most threads first: where steps are long, there is not time for all, and few threads are the least likely.
  std::vector<int> counts;
  for (const Choice& choice : candidates) counts.insert(counts.end(), choice.threads.begin(), choice.threads.end());
  std::sort(counts.begin(), counts.end(), std::greater<>());
  counts.erase(std::unique(counts.begin(), counts.end()), counts.end());
  for (const int count : counts)
    for (const Choice& choice : candidates)
      if (std::count(choice.threads.begin(), choice.threads.end(), count))
        tuner.add(choice.backend, count, choice.preference, choice.watched);
  Tuning result = tuner.run(backends().back().name, environment.threads);
  cache.save(result);
  return result;
}

std::string to_string(const Tuning& tuning) {
  std::ostringstream text;
  text << tuning.backend << " on " << tuning.threads << (tuning.threads == 1 ? " thread" : " threads");
  for (const Candidate& candidate : tuning.candidates)
    if (candidate.backend == tuning.backend && candidate.threads == tuning.threads && std::isfinite(candidate.seconds))
      text << ", " << std::setprecision(3) << candidate.seconds * 1e6 << " us a step";
  if (!tuning.candidates.empty()) text << ", the fastest of " << tuning.candidates.size();
  if (!tuning.source.empty()) text << " (" << (tuning.candidates.empty() ? "as in " : "measured before: ") << tuning.source << ")";
  return text.str();
}

}  // namespace plexus

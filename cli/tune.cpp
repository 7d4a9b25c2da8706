// plexus tune: which backend with how many threads trains a network fastest here.
#include "plexus/trainer/tuning.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "plexus/cli/command.h"
#include "plexus/cli/flags.h"
#include "plexus/cli/network.h"
#include "plexus/cli/print_json.h"
#include "plexus/core/error.h"
#include "plexus/core/random.h"

namespace plexus::cli {
namespace {

struct TuneOptions {
  NetworkFlags network;
  std::string backends;
  OptimizerFlags optimizer;
  RegularizationFlags regularization;
  int threads = 0;
  bool no_cache = false, fresh = false, json = false;
};

/// As data are when they have been standardised.
Dataset random_rows(int64_t rows, int64_t columns, int64_t classes) {
  Tensor features(DType::f32, {rows, columns}), labels(DType::i32, {rows});
  const RandomStream values(1, Purpose::user), classes_of(1, Purpose::user, 1);
  for (int64_t i = 0; i < rows * columns; i++)
    features.values<float>()[size_t(i)] = float(values.normal(uint64_t(i)));
  std::vector<std::string> names;
  for (int64_t i = 0; i < classes; i++) names.push_back(std::to_string(i));
  for (int64_t i = 0; i < rows; i++)
    labels.values<int32_t>()[size_t(i)] = int32_t(classes_of.below(uint64_t(classes), uint64_t(i)));
  return Dataset::classification(std::move(features), std::move(labels), std::move(names));
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> words;
  std::istringstream text(list);
  for (std::string word; std::getline(text, word, ',');) words.push_back(word);
  return words;
}

/// Relative to the choice.
double ratio(const Candidate& candidate, const Tuning& tuning) {
  for (const Candidate& other : tuning.candidates)
    if (other.backend == tuning.backend && other.threads == tuning.threads) return candidate.seconds / other.seconds;
  return candidate.seconds / candidate.seconds;
}

void print_table(const Tuning& tuning) {
  size_t width = 7;  // "backend"
  for (const Candidate& c : tuning.candidates) width = std::max(width, c.backend.size());
  std::printf("%-*s  threads     us/step   ratio  verdict\n", int(width), "backend");
  for (const Candidate& c : tuning.candidates) {
    std::printf("%-*s  %7d  ", int(width), c.backend.c_str(), c.threads);
    if (std::isfinite(c.seconds))
      std::printf("%10.4g  %6.2f", c.seconds * 1e6, ratio(c, tuning));
    else
      std::printf("%10s  %6s", "-", "-");
    // A ratio is no news beside the ratio.
    const bool said = std::isfinite(c.seconds) && c.verdict.ends_with('x');
    std::printf("  %s\n", said ? "slower" : c.verdict.c_str());
  }
  std::printf("\n%s\n", to_string(tuning).c_str());
}

nlohmann::ordered_json to_json(const Tuning& tuning) {
  nlohmann::ordered_json candidates = nlohmann::ordered_json::array();
  const auto number = [](double value) {
    return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr);
  };
  for (const Candidate& c : tuning.candidates)
    candidates.push_back({{"backend", c.backend},
                          {"threads", c.threads},
                          {"microseconds", number(c.seconds * 1e6)},
                          {"ratio", number(ratio(c, tuning))},
                          {"verdict", c.verdict}});
  return {{"backend", tuning.backend},
          {"threads", tuning.threads},
          {"source", tuning.source},
          {"steps", tuning.steps},
          {"candidates", candidates}};
}

int tune_network(const TuneOptions& options) {
  if (options.no_cache && options.fresh)
    throw ArgumentError("--no-cache and --fresh exclude each other: --fresh writes to the cache");
  TrainerOptions settings{.loss = SoftmaxCrossEntropy{}, .optimizer = optimizer(options.optimizer)};
  set(settings, options.regularization);
  TuningOptions tuning{.context = {.threads = options.threads}, .backends = split(options.backends), .fresh = options.fresh};
  if (options.no_cache) tuning.cache = "";
  const NetworkFlags& flags = options.network;
  if (flags.classes < 2) throw ArgumentError("--classes 1: a network that is tuned tells 2 classes or more apart");
  const Dataset rows = random_rows(std::max<int64_t>(flags.batch, 2), flags.input, flags.classes);
  const Tuning result = tune(make_network(flags), settings, rows, {.batch_size = flags.batch}, tuning);
  options.json ? print_json(to_json(result)) : print_table(result);
  return 0;
}

}  // namespace

Command tune_command(App& parent) {
  const auto options = std::make_shared<TuneOptions>();
  App app = parent.add_subcommand("tune", "Find the fastest backend and number of threads for a network");
  add_flags(app, options->network);
  add_flags(app, options->optimizer);
  add_flags(app, options->regularization);
  app.add_option(
         "--backends", options->backends,
         "Candidates, separated by commas (default: all that are usable, plugins too; the reference for "
         "small steps)")
      .type_name("LIST");
  app.add_option("--threads", options->threads,
                 "Threads at most (default: PLEXUS_NUM_THREADS, else all CPUs)")
      .type_name("N")
      .check(whole_number(1, 1024));
  app.add_flag("--fresh", options->fresh, "Measure again, whatever the cache says");
  app.add_flag("--no-cache", options->no_cache, "Neither read nor write the cache");
  app.add_flag("--json", options->json, "Print one JSON object");
  app.footer(
      "Times whole training steps of every candidate and checks them against the reference. The choice is kept in\n"
      "XDG_CACHE_HOME/plexus (else ~/.cache/plexus), where plexus train --backend auto finds it.\n\n"
      "Example:\n  plexus tune --layers 256,relu,128,relu --batch 64 --optimizer adam");
  return {app, [options] { return tune_network(*options); }};
}

}  // namespace plexus::cli

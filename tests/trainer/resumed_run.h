// Runs that are stopped and go on, and what they must have in common with those that never were.
#pragma once
#include <bit>
#include <map>
#include <string>
#include <vector>

#include "io/files.h"
#include "plexus/backends/registry.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/dropout.h"
#include "plexus/layers/standardize.h"
#include "plexus/trainer/trainer.h"
#include "trainer/example_data.h"

namespace plexus::test {

/// Stops after so many steps, as a signal would.
struct StopAfter : Callback {
  explicit StopAfter(int64_t steps) : left(steps) {}
  bool on_step(const Progress&) override { return --left == 0; }
  int64_t left;
};

/// Everything that outlives a step.
inline std::map<std::string, Tensor> values(const Sequential& network) {
  std::map<std::string, Tensor> result;
  for (const auto& [name, entry] : network.store().entries()) result.emplace(name, network.store().get(name));
  return result;
}

/// All but the seconds, NaN too.
inline std::vector<uint64_t> bits(const History& history) {
  std::vector<uint64_t> result;
  for (const Epoch& e : history.epochs)
    for (const double value :
         {double(e.epoch), e.train_loss, e.validation_loss, e.validation_accuracy, e.learning_rate})
      result.push_back(std::bit_cast<uint64_t>(value));
  return result;
}

struct Result {
  std::map<std::string, Tensor> values;
  History history;
  bool operator==(const Result& other) const {
    return values == other.values && bits(history) == bits(other.history);
  }
};

inline Sequential dropout_network() { return Sequential(Standardize(), Dense(7), Relu(), Dropout(0.25), Dense(3)); }

inline Result train(const TrainerOptions& options, const FitOptions& fit, const Dataset& data = blobs(50, 4, 3)) {
  Sequential network = dropout_network();
  Trainer trainer(network, options);
  const History history = trainer.fit(data, fit);
  return {values(network), history};
}

/// A run that is stopped after `steps` of its steps, and one that goes on from there.
inline Result interrupted_run(const TrainerOptions& options, FitOptions fit, int64_t steps, int threads_after) {
  const Directory directory;
  fit.checkpoints.directory = directory.path("checkpoints");
  StopAfter stop(steps);
  FitOptions first = fit;
  first.callbacks.push_back(&stop);
  train(options, first);
  fit.checkpoints.resume = true;
  TrainerOptions after = options;
  after.threads = threads_after;
  return train(after, fit);
}

/// A run of ten steps with a checkpoint after each of the last three, in `directory`; what it is like
/// afterwards.
inline Result ten_steps(const Directory& directory, FitOptions& fit) {
  fit = {.epochs = 2, .batch_size = 10};
  fit.checkpoints = {.directory = directory.path(), .steps = 1, .keep = 3};
  const Result run = train({}, fit);
  fit.checkpoints.resume = true;
  return run;
}

struct Log {
  std::vector<std::string> lines;
  LogSink sink() {
    return [this](LogLevel level, const std::string& line) {
      if (level == LogLevel::warning) lines.push_back(line);
    };
  }
};

inline Result train_with(Log& log, const FitOptions& fit, const TrainerOptions& options = {},
                  const Dataset& data = blobs(50, 4, 3)) {
  Sequential network = dropout_network();
  Trainer trainer(network, options, make_context({.backend = options.backend, .sink = log.sink()}));
  const History history = trainer.fit(data, fit);
  return {values(network), history};
}

}  // namespace plexus::test

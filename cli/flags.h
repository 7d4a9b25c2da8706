// Flags that more than one subcommand has, and checks of values.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "plexus/backends/registry.h"
#include "plexus/cli/app.h"
#include "plexus/trainer/optimizer.h"
#include "plexus/trainer/trainer.h"

namespace plexus::cli {

/// Accepts whole numbers in [low, high].
Check whole_number(int64_t low, int64_t high = INT64_MAX);
/// Accepts finite numbers.
Check number();
/// Accepts finite numbers from 0.
Check amount();
/// Accepts finite numbers above 0.
Check positive_number();
/// Accepts numbers in [0, 1), or in (0, 1).
Check fraction(bool zero_too);
/// Accepts these words; the message names the closest.
Check one_of(const std::vector<std::string>& words);
/// Accepts whole numbers from 1, and "full".
Check batch_size();

struct BackendFlags {
  std::optional<std::string> name;
  int threads = 0;
  std::optional<std::string> fallback;
};
void add_flags(App& app, BackendFlags& flags);
/// Throws BackendError for an empty name: an empty string is no "not given".
ContextOptions context_options(const BackendFlags& flags);

struct OptimizerFlags {
  std::string name = "adam";
  std::optional<float> learning_rate;
  std::optional<double> momentum, weight_decay;
};
void add_flags(App& app, OptimizerFlags& flags);
/// Throws ArgumentError for a flag that the optimizer has no use for.
Optimizer optimizer(const OptimizerFlags& flags);

/// What holds weights and gradients small.
struct RegularizationFlags {
  double l1 = 0, l2 = 0, max_norm = 0, clip_norm = 0, clip_value = 0;
};
void add_flags(App& app, RegularizationFlags& flags);
/// Writes them into the options. Throws ArgumentError for two that exclude each other.
void set(TrainerOptions& options, const RegularizationFlags& flags);

}  // namespace plexus::cli

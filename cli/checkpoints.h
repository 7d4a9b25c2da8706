// Checkpoints: the flags that say where and when a run is saved.
#pragma once
#include <cstdint>
#include <string>

#include "plexus/cli/app.h"
#include "plexus/trainer/checkpoint.h"

namespace plexus::cli {

struct CheckpointFlags {
  std::string directory, every;
  int64_t keep = 2;
  bool resume = false;
};
void add_flags(App& app, CheckpointFlags& flags);

/// Accepts "30s", "10m", "2h"; "500": steps; "1epoch", "5epochs".
Check interval();

/// `directory`: where checkpoints go where the flags name none; empty: nowhere. Throws ArgumentError for flags without a directory.
CheckpointOptions checkpoint_options(const CheckpointFlags& flags, const std::string& directory = {});

}  // namespace plexus::cli

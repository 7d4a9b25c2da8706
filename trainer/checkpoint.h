// Checkpoint: all that decides the rest of a training run, on disk.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "plexus/core/program.h"
#include "plexus/core/tensor.h"
#include "plexus/export.h"
#include "plexus/trainer/metrics.h"

namespace plexus {

/// Where and when Trainer::fit writes checkpoints. With all three intervals 0, every 30 s, and less often where writing one takes so long
/// that it would cost more than 3 % of the time; with several, whenever one is due. One more is written when fit returns.
struct CheckpointOptions {
  std::string directory = {};  ///< of this run alone; made where it is not there; empty: no checkpoints
  int64_t steps = 0;           ///< every so many steps
  int64_t epochs = 0;          ///< at the end of every so many epochs
  double seconds = 0;
  int64_t keep = 2;            ///< the last so many stay: should the newest be damaged, there is one before it
  bool resume = false;         ///< go on from the newest; begin where there is none. False: a directory with checkpoints is refused
};

/// The version of the format that fit writes, and the newest that can be read.
inline constexpr uint32_t checkpoint_format_version = 1;

struct Checkpoint {
  /// Who wrote it.
  std::string library_version, backend, isa;
  int threads = 0;
  /// What must be the same to go on: architecture, optimizer, loss, seeds, batches, fingerprints of the data. A JSON object.
  std::string settings;

  int64_t first_epoch = 0;     ///< epochs of earlier calls of fit
  int64_t epoch = 0;           ///< the one that is being trained, from 1
  int64_t step = 0;            ///< steps of that epoch that are done
  int64_t rows = 0;            ///< their rows
  double loss = 0;             ///< of the last step
  double learning_rate = 0;    ///< of the last step
  double loss_sum = 0;         ///< over the rows of the epoch
  double seconds = 0;          ///< that the epoch has taken
  bool whole = false;          ///< the epoch is finished, and in the history
  History history;             ///< finished epochs; `stopped`: a callback ended the run with this epoch

  struct Entry {
    std::string name;
    Role role = Role::parameter;
    Tensor tensor;             ///< plain
  };
  std::vector<Entry> entries;  ///< everything in the network's store: weights, optimizer state, counters
  struct CallbackState {
    std::string name, state;
  };
  std::vector<CallbackState> callbacks;  ///< Callback::state(), in the order of FitOptions::callbacks
};

/// Reads one file. Throws IoError; FormatError where it is damaged in any bit, is no checkpoint, or was written by a version that is
/// newer than this one understands.
PLEXUS_EXPORT Checkpoint load_checkpoint(const std::string& path);

}  // namespace plexus

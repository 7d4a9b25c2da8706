// Checkpointer: writes where a call of fit stands, and puts it back there. Private.
#pragma once
#include <chrono>
#include <optional>
#include <span>
#include <string>

#include "plexus/core/context.h"
#include "plexus/layers/sequential.h"
#include "plexus/trainer/callback.h"
#include "plexus/trainer/checkpoint_directory.h"
#include "plexus/trainer/metrics.h"

namespace plexus {

/// Where a call of fit stands, beside the network's store.
struct Position {
  int64_t first_epoch = 0;  ///< epochs of earlier calls
  Progress progress = {};
  double loss_sum = 0;      ///< over the rows of this epoch
  double seconds = 0;       ///< that this epoch took before `since`, where the run was resumed or the epoch began
  std::chrono::steady_clock::time_point since = {};
  bool whole = true;        ///< the epoch is in the history, a new one is to begin
};

class Checkpointer {
 public:
  /// Opens the directory and reads the newest checkpoint where the run is to be resumed. Throws as CheckpointDirectory does.
  Checkpointer(const CheckpointOptions& options, const Context& context, Sequential& network,
               std::span<Callback* const> callbacks);

  /// The plans are built, and `settings` describe the run (settings.h). Where there is a checkpoint, network, callbacks, position and
  /// history become what they were when it was written. Throws ArgumentError or DataError, naming what is not the same as then, and
  /// changes nothing.
  void begin(std::string settings, Position& position, History& history);

  /// After a step and its callbacks; writes where one is due, or the run stops here.
  void after_step(const Position& position, const History& history, bool stops);
  /// After an epoch and its callbacks.
  void after_epoch(const Position& position, const History& history);
  /// After the last epoch.
  void finish(const Position& position, const History& history);

 private:
  void restore(Position& position, History& history);
  void check(const std::string& settings, const Position& position) const;
  void check_entries() const;
  void restore_callbacks() const;
  void write(const Position& position, const History& history);

  Context context_;
  Sequential* network_;
  std::span<Callback* const> callbacks_;
  CheckpointDirectory directory_;
  std::optional<Checkpoint> found_;
  std::string file_;      // that it was found in
  std::string settings_, isa_;
  bool written_ = false;  // where the run stands is on disk
};

}  // namespace plexus

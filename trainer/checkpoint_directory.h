// CheckpointDirectory: the checkpoints of one run, and when the next one is due. Private.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "plexus/core/context.h"
#include "plexus/io/directory.h"
#include "plexus/trainer/checkpoint.h"

namespace plexus {

class CheckpointDirectory {
 public:
  /// Throws ArgumentError for options out of range, and where there are checkpoints and `resume` is not set; IoError where the
  /// directory cannot be used.
  CheckpointDirectory(const CheckpointOptions& options, const Context& context);

  /// The newest that is whole, and in `file` where it is; damaged ones are passed over with a warning. None: there is no file.
  /// Throws FormatError where all are damaged, or the newest was written by a newer version.
  std::optional<Checkpoint> newest(std::string& file) const;

  /// To be asked once after each step and once after each epoch.
  bool due_after_step();
  bool due_after_epoch();
  /// `updates`: steps of the network's whole training, which the file is named after. What cannot be written is a warning: training is
  /// worth more than its checkpoint, and those before it are still there.
  void write(const Checkpoint& checkpoint, int64_t updates);

 private:
  using Clock = std::chrono::steady_clock;
  std::vector<std::string> files() const;
  bool timed() const { return options_.seconds > 0 || (options_.steps == 0 && options_.epochs == 0); }
  void remove_others(const std::string& written) const;

  CheckpointOptions options_;
  Context context_;
  io::Directory directory_;
  int64_t steps_ = 0, epochs_ = 0;  // since the last checkpoint
  Clock::time_point last_ = Clock::now();
  double pause_ = 0;                // seconds that the last one took
  int64_t failures_ = 0;            // in a row
};

}  // namespace plexus

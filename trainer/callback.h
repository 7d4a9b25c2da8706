// Callbacks: what happens while a network trains.
#pragma once
#include <cstdint>

#include "plexus/export.h"
#include "plexus/trainer/metrics.h"

namespace plexus {

/// Where training is.
struct Progress {
  int64_t epoch = 0, epochs = 0;     ///< from 1
  int64_t step = 0, steps = 0;       ///< within the epoch, from 1
  int64_t rows = 0;                  ///< trained on in this epoch so far
  double loss = 0;                   ///< of the last batch
};

/// Derive and override what is needed. Called on the training thread; an exception ends fit and reaches its caller.
class PLEXUS_EXPORT Callback {
 public:
  virtual ~Callback();
  virtual void on_epoch_begin(const Progress&) {}
  /// After a step. True: stop now.
  virtual bool on_step(const Progress&) { return false; }
  /// After an epoch and its validation. True: stop.
  virtual bool on_epoch(const Epoch&) { return false; }
};

}  // namespace plexus

// Callbacks: what happens while a network trains.
#pragma once
#include <cstdint>
#include <string>

#include "plexus/export.h"
#include "plexus/layers/sequential.h"
#include "plexus/trainer/metrics.h"

namespace plexus {

/// Where training is. Before a step, rows and loss are those of the steps before it.
struct Progress {
  int64_t epoch = 0, epochs = 0;     ///< from 1
  int64_t step = 0, steps = 0;       ///< within the epoch, from 1
  int64_t rows = 0;                  ///< trained on in this epoch so far
  double loss = 0;                   ///< of the last batch
  double learning_rate = 0;          ///< of this step
};

/// Derive and override what is needed. Called on the training thread, everywhere in the order of FitOptions::callbacks:
///
///     on_train_begin  (on_epoch_begin  (on_step_begin  on_step)...  [validation]  on_epoch)...  on_train_end
///
/// Who asks to stop keeps no other from being called. Stopped by on_step, an epoch is not validated and has no on_epoch.
/// An exception ends fit and reaches its caller; the trainer stays usable and counts the epoch as begun. on_train_end is still
/// called for all that on_train_begin was called for, but not for the callback that threw; what they throw then is dropped.
class PLEXUS_EXPORT Callback {
 public:
  virtual ~Callback();
  /// After all checks and before the first step. The network is at hand until on_train_end has returned: its weights are read
  /// and written by `get` and `set` of its store; in on_epoch and on_train_end they are those that validation has seen.
  /// Progress::epoch is the number of epochs that were begun before.
  virtual void on_train_begin(Sequential& /*network*/, const Progress&) {}
  virtual void on_epoch_begin(const Progress&) {}
  virtual void on_step_begin(const Progress&) {}
  /// After a step. True: stop now.
  virtual bool on_step(const Progress&) { return false; }
  /// After an epoch and its validation. True: stop.
  virtual bool on_epoch(const Epoch&) { return false; }
  /// The epochs of this call of fit.
  virtual void on_train_end(const History&) {}

  /// Multiplies what optimizer and schedule give as the learning rate. Asked before every step.
  virtual double learning_rate_factor() const { return 1; }

  /// What its state is kept under in a checkpoint, the only one of this name in a fit. Empty: there is nothing to keep. Tensors
  /// that it keeps in the network's store are called "<name>.<anything>".
  virtual std::string name() const { return {}; }
  /// All that decides what it does in the rest of a run, as text; JSON by convention.
  virtual std::string state() const { return {}; }
  /// Goes on where `state` was taken; called before on_train_begin. Throws FormatError for what is no state of its own, and
  /// is then as before.
  virtual void restore(const std::string& state);
};

}  // namespace plexus

// Session: one training of plexus train: a network, its trainer, and the parts of the data.
#pragma once
#include <optional>
#include <string>

#include "plexus/cli/diagnosis.h"
#include "plexus/cli/progress.h"
#include "plexus/cli/result.h"
#include "plexus/cli/training_setup.h"
#include "plexus/trainer/target_scaling.h"
#include "plexus/trainer/trainer.h"

namespace plexus::cli {

/// "flip,crop=2,shift=2"; throws ArgumentError.
Augmentation parse_augmentation(const std::string& text);

class Session {
 public:
  /// `setup` is open, and outlives it. Throws ArgumentError, DataError where a flag does not fit the data.
  Session(const TrainingSetup& setup, Parts parts, uint64_t seed);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// "10 epochs, batches of 32, ..."
  std::string training() const;
  /// Prints what will be done: data, task, training, backend, network.
  void describe() const;

  /// Where the backend is auto: chooses it for this training, once fit() has its checkpoints; describe() says what.
  void tune();
  /// auto chose the backend, now or when the run began.
  bool automatic() const { return automatic_; }
  const Context& context() const { return trainer_->context(); }

  /// For more callbacks and checkpoints, before tune().
  FitOptions& fit() { return fit_; }
  ChosenSchedule& schedule() { return schedule_; }
  const Loss& loss() const { return settings_.loss; }
  const TrainerOptions& settings() const { return settings_; }

  /// Looks for the usual mistakes, now and while it trains; what is found is logged, and in the result.
  void diagnose();
  /// Trains, with the schedule's callbacks behind those of fit(); `lines`: null, or where its epochs are printed. Real targets are then
  /// in their own units.
  void train(std::FILE* lines);
  /// What came out of it; tests the network where no signal ended the training.
  TrainingResult result();

  const Parts& parts() const { return parts_; }
  Sequential& network() { return network_; }
  Trainer& trainer() { return *trainer_; }
  const History& history() const { return history_; }

 private:
  const TrainingSetup& setup_;
  Parts parts_;
  uint64_t seed_;
  std::optional<Dataset> measured_;  // the rows to train on with their targets as in the file
  std::optional<TargetScaling> scaling_;
  ChosenSchedule schedule_;
  TrainerOptions settings_;
  FitOptions fit_;
  Sequential network_;
  std::optional<Trainer> trainer_;
  bool automatic_;
  std::string choice_;  // what auto said of it; empty: it was not asked
  Diagnosis diagnosis_;
  History history_;
};

}  // namespace plexus::cli

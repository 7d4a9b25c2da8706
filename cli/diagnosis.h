// Diagnosis: what looks wrong in a run, before it and while it trains.
#pragma once
#include <optional>
#include <vector>

#include "plexus/core/context.h"
#include "plexus/trainer/training_diagnosis.h"

namespace plexus::cli {

class Diagnosis {
 public:
  /// Logs what diagnose() finds, and adds a callback to `fit` that goes on. `measured`: the training rows with their targets as in
  /// the file; `train`: the same as they are trained on.
  void begin(const Sequential& network, const TrainerOptions& settings, const Dataset& measured, const Dataset& train,
             const Dataset& test, const Context& context, FitOptions& fit);
  /// All, once each; empty where there was no beginning.
  std::vector<Finding> findings() const;

 private:
  std::vector<Finding> before_;
  std::optional<TrainingDiagnosis> training_;
};

}  // namespace plexus::cli

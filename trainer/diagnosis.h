// Diagnosis: the usual mistakes, named before training.
#pragma once
#include <vector>

#include "plexus/export.h"
#include "plexus/trainer/finding.h"
#include "plexus/trainer/trainer.h"

namespace plexus {

/// What is wrong, or most likely a mistake, in what fit would be called with: data, network, loss and settings, and how the parts
/// of the data go together (`test` beside the validation set of `fit`; null: none). Findings are silent on what is sound: each has
/// a threshold with a margin, and a reason in its source. Trains nothing and changes nothing. What fit would throw is the only
/// finding there is, with `refused`. Looks at all rows once and at a sample of them more closely; the same call gives the same answer.
///
/// Trainer::fit calls it by itself (FitOptions::diagnosis) and logs the findings as warnings. TrainingDiagnosis
/// (trainer/training_diagnosis.h) goes on while the network trains.
PLEXUS_EXPORT std::vector<Finding> diagnose(const Sequential& network, const TrainerOptions& options, const Dataset& train,
                                            const FitOptions& fit = {}, const Dataset* test = nullptr);

}  // namespace plexus

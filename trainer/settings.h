// Settings: what must be the same for a run to go on, as JSON. Private.
#pragma once
#include <string>

#include "plexus/layers/sequential.h"
#include "plexus/trainer/dataset.h"
#include "plexus/trainer/trainer.h"
#include "plexus/trainer/training_step.h"

namespace plexus {

/// Of a run whose plans are built. `validation`: null where there is none. Reads all data once. The operations of a step are
/// in it with all their settings, so that nothing that a network computes can be forgotten here.
std::string settings_json(const Sequential& network, const TrainerOptions& trainer, const FitOptions& fit,
                          const TrainingStep& step, const Dataset& train, const Dataset* validation);

/// The first setting that differs, "batch_size was 32 and is 64 now"; empty: none. Data are a matter of their own.
std::string difference(const std::string& then, const std::string& now);
std::string data_difference(const std::string& then, const std::string& now);

}  // namespace plexus

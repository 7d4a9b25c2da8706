// RateSearch: plexus train --find-lr.
#pragma once
#include "plexus/cli/train_options.h"

namespace plexus::cli {

/// Runs a learning-rate range test on the training data, prints the losses as a plot and what --lr to take. Returns the exit code: 1
/// where the loss fell at no rate. Throws ArgumentError for flags that are for a training.
int find_rate(const TrainOptions& options);

}  // namespace plexus::cli

// Repetition: plexus train --seeds and --folds: the same training several times, and how much its result varies.
#pragma once
#include "plexus/cli/train_options.h"

namespace plexus::cli {

/// Trains once a seed or once a fold, prints what the test data say each time, then mean, standard deviation and 95 % interval. With
/// --out, saves the network of the seed with the lowest validation loss. Returns the exit code. Throws ArgumentError for flags that
/// are for a single training.
int repeat(const TrainOptions& options);

}  // namespace plexus::cli

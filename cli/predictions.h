// Predictions: a few rows of the test data, what they are and what the network takes them for.
#pragma once
#include <cstdio>
#include <span>
#include <vector>

#include "plexus/cli/terminal.h"
#include "plexus/trainer/trainer.h"

namespace plexus::cli {

/// Of the classes: the softmax of what a network gave for a row.
std::vector<double> probabilities(std::span<const float> logits);

/// Prints the first `count` rows of the data: images side by side with true and predicted class, tables a line a row.
void show_predictions(std::FILE* out, Trainer& trainer, const Dataset& data, int64_t count, Colour colour);

}  // namespace plexus::cli

// Names: layers, losses and optimizer settings as other languages write them. Private.
#pragma once
#include <memory>
#include <string>

#include "plexus/layers/layer.h"
#include "plexus/layers/loss.h"
#include "plexus/trainer/optimizer.h"

namespace plexus::bindings {

/// "relu", "standardize", "flatten", ...: a layer that needs no setting, at its defaults. Throws ArgumentError, which lists them.
std::unique_ptr<Layer> make_layer(const std::string& name);
/// "softmax_cross_entropy", "binary_cross_entropy", "mse", "mae", "huber". Throws ArgumentError, which lists them.
Loss make_loss(const std::string& name);

struct OptimizerSettings {
  double learning_rate = 0, momentum = 0, weight_decay = 0;  ///< 0: the optimizer's default
};
/// Throws ArgumentError for a momentum where the optimizer has none.
void set(Optimizer& optimizer, const OptimizerSettings& settings);

}  // namespace plexus::bindings

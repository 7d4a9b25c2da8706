// Divergence: what there is to say when the loss is no number any more. Private.
#pragma once
#include <map>
#include <span>
#include <string>

#include "plexus/layers/sequential.h"
#include "plexus/trainer/callback.h"
#include "plexus/trainer/dataset.h"
#include "plexus/trainer/training_step.h"

namespace plexus {

/// A step updates the weights whatever its loss is, and after one that was NaN nothing is left to look at. So the weights
/// before a step are kept in the first steps, and where the loss before it was alarming.
class Divergence {
 public:
  /// The network outlives it.
  explicit Divergence(Sequential& network) : network_(&network) {}

  void before_step() {
    if (alarming_) keep();
  }
  void after_step(double loss);
  /// After this step of these rows, whose loss was not finite: "fit: epoch 2, step 7: the loss is infinite, learning rate 10, largest
  /// gradient 3e+21 (0.weight of Dense(8)): ...", or which weights are not finite any more. Where weights were kept, the network
  /// has them again.
  std::string describe(TrainingStep& step, const Dataset& data, std::span<const int64_t> rows,
                       const Progress& progress);

 private:
  void keep();
  std::string cause(TrainingStep& step, const Dataset& data, std::span<const int64_t> rows);
  /// "0.weight of Dense(8)"
  std::string place(const std::string& parameter) const;

  Sequential* network_;
  double first_ = -1;  // loss of the first step; below 0: none yet
  int64_t steps_ = 0;
  bool alarming_ = true;  // in the first steps
  std::map<std::string, Tensor> kept_;
};

}  // namespace plexus

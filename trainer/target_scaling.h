// TargetScaling: real targets standardised for training, and a network's outputs brought back to their units.
#pragma once
#include <vector>

#include "plexus/export.h"
#include "plexus/layers/sequential.h"
#include "plexus/trainer/dataset.h"

namespace plexus {

/// A network that starts near 0 takes many steps to reach targets around 100 000, and a learning rate that suits one unit does not
/// suit another. So: learn from `apply(train)`, then `fold_into(network)`; the network itself is then in the targets' units, and
/// nothing else has to travel with it.
class PLEXUS_EXPORT TargetScaling {
 public:
  /// Learns mean and standard deviation of every target column; 1 in place of a deviation of 0. Throws ArgumentError where the
  /// data have classes, or no rows.
  explicit TargetScaling(const Dataset& train);

  /// The same rows with (target - mean) / deviation. Throws ShapeError for another number of target columns.
  Dataset apply(const Dataset& data) const;
  /// Scales and shifts the outputs of the last layer, a Dense with bias: y * deviation + mean. Once, after the last fit: what a
  /// trainer remembers of its steps is of the scaled targets. Throws ArgumentError for another last layer, ShapeError for
  /// another number of outputs.
  void fold_into(Sequential& network) const;

  const std::vector<double>& means() const { return means_; }
  const std::vector<double>& deviations() const { return deviations_; }

 private:
  std::vector<double> means_, deviations_;
};

}  // namespace plexus

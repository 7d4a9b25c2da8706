// Dropout: some values of every training row become zero.
#pragma once
#include "plexus/layers/layer.h"

namespace plexus {

/// Zeroes a share `rate` of the values and scales the others by 1 / (1 - rate), in training only. The mask is a function of
/// (seed, layer, training pass, position): the same for any number of threads, and after a resume.
class PLEXUS_EXPORT Dropout final : public Layer {
 public:
  /// Throws ArgumentError for a rate outside [0, 1).
  explicit Dropout(double rate = 0.5);

  double rate() const { return rate_; }

  std::string name() const override;
  std::unique_ptr<Layer> clone() const override;
  Shape output_shape(const Shape& input) const override { return input; }
  BufferId forward(Lowering& lowering, BufferId x) const override;
  BufferId backward(Lowering& lowering, BufferId dy, bool need_dx) const override;

 private:
  double rate_;
};

}  // namespace plexus

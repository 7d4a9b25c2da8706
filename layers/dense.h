// Dense: every output is a weighted sum of all inputs.
#pragma once
#include "plexus/layers/initializer.h"
#include "plexus/layers/layer.h"

namespace plexus {

struct DenseOptions {
  /// Keras' default: fits tanh, sigmoid and linear layers, and being bounded draws no outliers. Behind relu it halves the
  /// variance from layer to layer, which a few layers do not mind (PyTorch's U(+-1/sqrt(in)) loses twice to three times
  /// as much); for deep stacks of relu take HeNormal.
  Initializer initializer = GlorotUniform{};
  Initializer bias_initializer = Zeros{};  ///< as Keras
  bool bias = true;
};

/// y = x W + b for rows of rank 1. Parameters: "weight" [in, units] and "bias" [units].
class PLEXUS_EXPORT Dense final : public Layer {
 public:
  /// Throws ArgumentError for fewer than one unit.
  explicit Dense(int64_t units, DenseOptions options = {});

  int64_t units() const { return units_; }
  const DenseOptions& options() const { return options_; }

  std::string name() const override;
  std::unique_ptr<Layer> clone() const override;
  Shape output_shape(const Shape& input) const override;
  BufferId forward(Lowering& lowering, BufferId x) const override;
  BufferId backward(Lowering& lowering, BufferId dy, bool need_dx) const override;
  std::vector<std::pair<std::string, Shape>> parameters(const Shape& input) const override;
  void initialize(Store& store, const std::string& prefix, const Shape& input, uint64_t seed,
                  uint32_t layer) const override;

 private:
  int64_t units_;
  DenseOptions options_;
};

}  // namespace plexus

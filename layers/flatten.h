// Flatten: a row of any shape becomes a vector.
#pragma once
#include "plexus/layers/layer.h"

namespace plexus {

/// [28, 28] becomes [784]. Rows lie in memory as vectors already: no operation.
class PLEXUS_EXPORT Flatten final : public Layer {
 public:
  std::string name() const override { return "Flatten()"; }
  std::unique_ptr<Layer> clone() const override;
  Shape output_shape(const Shape& input) const override { return {input.elements()}; }
  BufferId forward(Lowering& lowering, BufferId x) const override;
  BufferId backward(Lowering& lowering, BufferId dy, bool need_dx) const override;
};

}  // namespace plexus

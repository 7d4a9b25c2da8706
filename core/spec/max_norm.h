// The constraint that weights may have: the norm of what leads to an output.
#pragma once
#include "plexus/core/spec/operand.h"
#include "plexus/export.h"

namespace plexus {

/// Scales each column of w[m,n] whose norm is above `limit` down to it, in place: w[:,j] *= limit / (norm(j) + 1e-7) where
/// norm(j) = sqrt(sum of w[i,j]^2) > limit. A column holds the weights of one output: Keras' MaxNorm(axis=0), in the form of
/// PyTorch's renorm. The order of the sum depends on i alone, whatever the layout.
struct MaxNormSpec {
  int64_t m = 0, n = 0;
  double limit = 1;              ///< > 0
  DType dtype = DType::f32;
  const Layout* layout = nullptr;  ///< of the parameter

  struct Args {
    void* parameter = nullptr;
  };
  static constexpr const char* family = "update";
  static constexpr Slot slots[] = {{"parameter", Access::inout}};
  PLEXUS_EXPORT Operand operand(size_t slot) const;
  PLEXUS_EXPORT void validate() const;
  PLEXUS_EXPORT std::string to_string() const;
  bool operator==(const MaxNormSpec&) const = default;
};

}  // namespace plexus

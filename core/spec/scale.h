// Columns shifted and scaled: what preprocessing layers do to raw features, and its gradient.
#pragma once
#include "plexus/core/spec/operand.h"
#include "plexus/export.h"

namespace plexus {

/// y[i,j] = (x[i,j] - offset[j]) * scale[j]. Without offset it is the gradient of itself.
struct ScaleSpec {
  int64_t m = 0, n = 0;
  bool offset = true;
  Batch batch = Batch::m;
  DType dtype = DType::f32;

  struct Args {
    const void* x = nullptr;
    const void* offset = nullptr;
    const void* scale = nullptr;
    void* y = nullptr;
  };
  static constexpr const char* family = "scale";
  static constexpr Slot slots[] = {{"x", Access::in}, {"offset", Access::in}, {"scale", Access::in}, {"y", Access::out}};
  PLEXUS_EXPORT Operand operand(size_t slot) const;
  PLEXUS_EXPORT void validate() const;
  PLEXUS_EXPORT std::string to_string() const;
  bool operator==(const ScaleSpec&) const = default;
};

}  // namespace plexus

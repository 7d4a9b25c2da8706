// Dropout: the same operation forward (on x) and backward (on dy); the mask is computed again from the counter.
#pragma once
#include "plexus/core/spec/operand.h"
#include "plexus/export.h"

namespace plexus {

/// y[i] = x[i] / (1 - rate) where RandomStream(seed, Purpose::dropout, stream, step).uniform(i) >= rate, else 0.
/// i is the position in the batch, row * n + column. Inverted dropout as in PyTorch and Keras: prediction needs nothing.
struct DropoutSpec {
  int64_t m = 0, n = 0;
  float rate = 0;                ///< in [0, 1)
  uint32_t stream = 0;           ///< tells the dropouts of one network apart, < 2^24
  Batch batch = Batch::m;
  DType dtype = DType::f32;

  struct Args {
    const void* x = nullptr;
    const void* seed = nullptr;  ///< one i64
    const void* step = nullptr;  ///< one i64, in [0, 2^32)
    void* y = nullptr;
  };
  static constexpr const char* family = "dropout";
  static constexpr Slot slots[] = {{"x", Access::in}, {"seed", Access::in}, {"step", Access::in}, {"y", Access::out}};
  PLEXUS_EXPORT Operand operand(size_t slot) const;
  PLEXUS_EXPORT void validate() const;
  PLEXUS_EXPORT std::string to_string() const;
  bool operator==(const DropoutSpec&) const = default;
};

}  // namespace plexus

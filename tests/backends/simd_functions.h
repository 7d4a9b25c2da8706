// The functions that the vector code is made of, for tests: a table for each instruction set.
#pragma once
#include <cstdint>

#include "plexus/core/cpu.h"

namespace plexus::simd {

struct Functions {
  /// y[i] = e^x[i]
  void (*exp)(const float* x, float* y, int64_t n);
  /// y[i] = ln(1 + x[i])
  void (*log1p)(const float* x, float* y, int64_t n);
};

const Functions& functions(Isa isa);

}  // namespace plexus::simd

// Loops over arrays that need no tile and no exponential: columns scaled, dropout, reductions. A table for each instruction set.
#pragma once
#include <cstdint>

#include "plexus/core/cpu.h"
#include "plexus/core/random.h"

namespace plexus::simd {

struct SweepLoops {
  /// y[i, j] = (x[i, j] - offset[j]) * scale[j]; offset null: 0.
  void (*scale)(const float* x, const float* offset, const float* scale, float* y, int64_t rows, int64_t columns);
  /// Positions [first, first + count) of a batch; `first` a multiple of 4.
  void (*dropout)(const float* x, float* y, int64_t first, int64_t count, uint64_t seed, uint32_t stream, uint32_t step,
                  float rate);
  /// y[j] (+)= sum of x[i, j] over rows, in ascending i.
  void (*column_sum)(const float* x, int64_t stride, int64_t rows, int64_t columns, bool accumulate, float* y);
  float (*row_sum)(const float* x, int64_t n);
  int32_t (*argmax)(const float* x, int64_t n);
  /// Of each of `columns` columns, at most a panel's, the sum of squares, in an order that is always the same; of those missing 0.
  void (*column_squares)(const float* x, int64_t stride, int64_t rows, int64_t columns, double* sums);
};

const SweepLoops& sweep_loops(Isa isa);

}  // namespace plexus::simd

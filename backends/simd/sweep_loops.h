// Loops over arrays that need no tile and no exponential: columns scaled, dropout, reductions, optimizer steps. A table for
// each instruction set.
#pragma once
#include <cstdint>

#include "plexus/core/cpu.h"
#include "plexus/core/random.h"
#include "plexus/core/spec/update.h"

namespace plexus::simd {

/// An optimizer step over one stretch of a parameter. The fields are UpdateSpec's, in float, with the corrections of this
/// step worked out.
struct UpdateStretch {
  int64_t count = 0;
  float* parameter = nullptr;
  const float* gradient = nullptr;
  float *first = nullptr, *second = nullptr;
  float rate = 0;            ///< of adam and its relatives: learning rate * StepFactors::moment
  float gradient_rate = 0;   ///< nadam: learning rate * StepFactors::gradient
  float scale = 1;           ///< of the gradient
  float weight_decay = 0;    ///< of the gradient: with the l2 penalty
  float shrink = 0;          ///< adamw: learning rate * decay
  float l1 = 0;
  float clip_value = 0;      ///< 0: none
  float momentum = 0;
  bool nesterov = false;
  float beta1 = 0, beta2 = 0;
  float fresh1 = 0, fresh2 = 0;  ///< 1 - beta, rounded once
  float root_scale = 1;      ///< StepFactors::root
  bool adaptive = true;      ///< radam
  float epsilon = 0;
};

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
  /// Adds the squares of `columns` elements of a row to the places, element j to place j % 16.
  void (*add_squares)(const float* x, int64_t columns, double* places);
  void (*update[update_count])(const UpdateStretch&);
};

const SweepLoops& sweep_loops(Isa isa);

}  // namespace plexus::simd

// Losses of rows, and their gradients: a table for each instruction set.
#pragma once
#include <cstdint>

#include "plexus/core/cpu.h"
#include "plexus/core/spec/loss.h"

namespace plexus::simd {

/// Some rows of a batch.
struct LossRows {
  int64_t rows = 0, columns = 0;
  const float* prediction = nullptr;
  const void* target = nullptr;          ///< float [rows, columns], or int32_t [rows]
  const float* class_weights = nullptr;  ///< null: all 1
  const float* sample_weights = nullptr; ///< null: all 1
  float scale = 1, delta = 1;
  float* gradient = nullptr;             ///< null: not wanted
  float* loss = nullptr;                 ///< [rows]: weighted and scaled
};

struct LossLoops {
  void (*rows[loss_count])(const LossRows&);
  /// The sum of n numbers in a fixed order.
  float (*sum)(const float* x, int64_t n);
};

const LossLoops& loss_loops(Isa isa);

}  // namespace plexus::simd

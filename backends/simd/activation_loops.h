// Activations over arrays: a table for each instruction set.
#pragma once
#include <cstdint>

#include "plexus/core/cpu.h"
#include "plexus/core/spec/activation.h"

namespace plexus::simd {

/// A matrix of `rows` x `columns`; strides from row to row.
struct ActivationBlock {
  int64_t rows = 0, columns = 0;
  const float* x = nullptr;
  int64_t x_stride = 0;
  float* y = nullptr;  ///< may be x
  int64_t y_stride = 0;
  float alpha = 0;
};

struct ActivationGradientBlock {
  int64_t rows = 0, columns = 0;
  const float* dy = nullptr;
  int64_t dy_stride = 0;
  const float* saved = nullptr;
  int64_t saved_stride = 0;
  float* dx = nullptr;  ///< may be dy
  int64_t dx_stride = 0;
  float alpha = 0;
};

struct ActivationLoops {
  void (*forward[activation_count])(const ActivationBlock&);
  void (*backward[activation_count])(const ActivationGradientBlock&);
};

const ActivationLoops& activation_loops(Isa isa);

/// True for those that work element by element, so that any block of a matrix can be done by itself.
constexpr bool elementwise(Activation kind) { return kind != Activation::softmax && kind != Activation::log_softmax; }

}  // namespace plexus::simd

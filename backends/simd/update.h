// What an optimizer step is made of, for the kernels that do one.
#pragma once
#include "plexus/backends/simd/update_loops.h"

namespace plexus::simd {

/// The whole parameter, given the addresses of UpdateSpec's slots. Corrections for the step are worked out
/// here, once.
UpdateStretch update_stretch(const UpdateSpec& spec, void* const* buffers);

/// `count` of its elements, from `first` on.
inline UpdateStretch stretch_of(UpdateStretch whole, int64_t first, int64_t count) {
  whole.count = count;
  whole.parameter += first;
  if (whole.gradient) whole.gradient += first;
  if (whole.first) whole.first += first;
  if (whole.second) whole.second += first;
  return whole;
}

/// Nanoseconds an element: sgd moves bytes, the others wait for a root and a division.
constexpr double update_ns(UpdateKind kind) { return kind == UpdateKind::sgd ? 0.15 : 0.4; }

}  // namespace plexus::simd

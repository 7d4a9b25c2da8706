// What an optimizer step is made of, for the kernels that do one.
#pragma once
#include "plexus/backends/simd/update_loops.h"

namespace plexus::simd {

/// What all steps have in common.
UpdateRule update_rule(const UpdateSpec& spec);
/// Fills in the rate and the corrections of this step, worked out once. `buffers`: the addresses of UpdateSpec's slots.
void begin_step(UpdateRule& rule, const UpdateSpec& spec, void* const* buffers);

/// The whole parameter, but how much it is.
inline UpdateStretch whole_stretch(void* const* buffers) {
  return {.parameter = static_cast<float*>(buffers[0]),
          .gradient = static_cast<const float*>(buffers[1]),
          .first = static_cast<float*>(buffers[2]),
          .second = static_cast<float*>(buffers[3])};
}

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

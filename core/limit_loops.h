// Loops that do nothing but what a machine can do fastest: a table for each instruction set. Private.
#pragma once
#include <cstdint>

#include "plexus/core/cpu.h"
#include "plexus/export.h"

namespace plexus {

struct LimitLoops {
  int64_t flop;  ///< of one round of multiply_add
  /// So many rounds of fused multiply-adds, all in registers. Returns what they come to, so that nobody leaves them out.
  float (*multiply_add)(int64_t rounds);
  /// Reads all of an array once. `count` is a multiple of 256, `data` 64-byte aligned.
  float (*read)(const float* data, int64_t count);
};

PLEXUS_EXPORT const LimitLoops& limit_loops(Isa isa);

}  // namespace plexus

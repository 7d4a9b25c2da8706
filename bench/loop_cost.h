// LoopCost: what handing a loop to threads costs.
#pragma once
#include "plexus/core/cpu.h"

namespace plexus::bench {

struct LoopCost {
  double hot = 0;   ///< microseconds that a parallel_for costs besides its body, right after another one
  double cold = 0;  ///< the same after 3 ms without one
};

/// Medians of many loops, with so many threads. Takes about 150 ms.
LoopCost measure_loop_cost(int threads, Isa most);

}  // namespace plexus::bench

// Cost: what a computation has to do at least, however it does it.
#pragma once
#include "plexus/core/program.h"
#include "plexus/export.h"

namespace plexus {

struct Cost {
  double flop = 0;         ///< arithmetic operations
  double bytes = 0;        ///< every operand read once, every result written once; what is updated both
  double working_set = 0;  ///< bytes of all operands and results
};

/// 2 m n k for products. Activations and losses count one an element, since nobody agrees on what an exponential costs; updates
/// what their formulas in core/spec/update.h say, a root or a quotient as one.
PLEXUS_EXPORT double arithmetic(const Spec& spec);

/// Of neighbouring operations that run as one kernel: what is internal to them need not be anywhere. `rows`: of the batch; -1: its
/// maximum.
PLEXUS_EXPORT Cost cost(const Run& run, int64_t rows = -1);

/// Of a whole program, over buffers that outlive it.
PLEXUS_EXPORT Cost cost(const Program& program);

/// The same for a whole network, whose arithmetic is by custom that of its products alone.
PLEXUS_EXPORT Cost network_cost(const Program& program);

}  // namespace plexus

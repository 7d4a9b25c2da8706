// Cost: what a computation has to do at least, however it does it.
#pragma once
#include "plexus/core/program.h"

namespace plexus::bench {

struct Cost {
  double flop = 0;         ///< arithmetic operations
  double bytes = 0;        ///< every operand read once, every result written once; what is updated both
  double working_set = 0;  ///< bytes of all operands and results
};

/// 2 m n k for products. Activations and losses count one an element, since nobody agrees on what an exponential costs; updates
/// what their formulas in core/spec/update.h say, a root or a quotient as one.
double arithmetic(const Spec& spec);

/// Of its operations, over buffers that outlive it; temporaries need not be anywhere.
Cost cost(const Program& program);

/// The same for a whole network, whose arithmetic is by custom that of its products alone.
Cost network_cost(const Program& program);

}  // namespace plexus::bench

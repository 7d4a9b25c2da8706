// Modes: what is looked at beside the results.
#pragma once
#include <functional>

#include "plexus/backends/conformance/check.h"
#include "plexus/core/context.h"

namespace plexus::conformance {

/// Makes contexts that have the backend first.
using MakeContext = std::function<Context(int threads)>;

/// The same kernel with operands at every placement and misalignment, and with different leftovers in its workspace, which must
/// not show in the bits.
Result check_memory(const Backend& backend, const Case& c);

/// The same bits from kernels made for 1 to 8 threads, and from one kernel that eight threads run at once, each with its own
/// operands; where the backend declares that it does not keep the bits, right results.
Result check_threads(const MakeContext& make_context, const Case& c);

/// Preparing, running and releasing a kernel leaves floating-point modes (here and on the executor's threads), locale, signals,
/// directory and environment variables as they were. What has changed is put back but for the variables.
Result check_environment(const Context& context, const Case& c);

/// Pieces of a training step, by their number: a product and the activation behind it, the same backward, a weight's gradient
/// and its update. What the backend runs of one as a single kernel must give the bits of its kernels one by one, and leave
/// nothing unwritten that somebody reads; where some of these kernels are missing, or other bits are declared, the same
/// within 1e-4.
Result check_fused(const Context& context, uint64_t number);
std::string describe_fused(uint64_t number);
Spec fused_spec(uint64_t number);

}  // namespace plexus::conformance

// The memory that was asked for: readers must not ask for what a damaged header claims.
#pragma once
#include <cstddef>

namespace plexus::test {

/// Starts counting anew.
void reset_largest_allocation();
void reset_peak_memory();
/// Bytes of the largest `new` of any thread since then.
size_t largest_allocation();
/// Bytes that were allocated at the same time at most, beyond those of the last reset. Of all threads.
size_t peak_memory();

}  // namespace plexus::test

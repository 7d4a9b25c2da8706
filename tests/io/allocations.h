// The largest piece of memory that was asked for: readers must not ask for what a damaged header claims.
#pragma once
#include <cstddef>

namespace plexus::test {

/// Starts counting anew.
void reset_largest_allocation();
/// Bytes of the largest `new` of any thread since then.
size_t largest_allocation();

}  // namespace plexus::test

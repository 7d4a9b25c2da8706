// How parameters lie where this backend trains them.
#pragma once
#include "plexus/backends/simd/matmul_tile.h"
#include "plexus/core/backend.h"

namespace plexus::simd {

/// [rows, columns] as panels of 32 columns one after the other, [columns / 32][rows][32]; the last one is filled up with
/// zeros. A product reads a panel from front to back, without packing anything.
const Layout& panels();

/// Panels of a matrix with so many columns.
constexpr int64_t panel_count(int64_t columns) { return (columns + panel - 1) / panel; }

}  // namespace plexus::simd

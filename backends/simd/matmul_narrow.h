// Products of which one side is narrow: a few rows, as one example has, or a few columns, as a network's last layer has. Tiles
// would multiply lanes that are thrown away. A table for each instruction set.
#pragma once
#include "plexus/backends/simd/matmul_tile.h"

namespace plexus::simd {

struct MatmulNarrow {
  int64_t most_rows;     ///< that few_rows is the fastest way for
  int64_t most_columns;  ///< that few_columns is the fastest way for where a is transposed
  int64_t most_columns_of_squares;  ///< and where it is not
  /// Any rows and columns of c; b is stored [columns, depth]. Lanes run along the columns.
  void (*few_rows)(const MatmulBlock&);
  /// Any rows, 1 to 12 columns of c. Lanes run along the rows; b lies anyhow, and nothing behind its columns is read.
  void (*few_columns)(const MatmulBlock&);
};

const MatmulNarrow& matmul_narrow(Isa isa);

}  // namespace plexus::simd

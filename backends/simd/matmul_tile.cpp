#include "plexus/backends/simd/targets.h"
// Before Highway, whose targets it names.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plexus/backends/simd/matmul_tile.cpp"
#include <hwy/foreach_target.h>

#include "plexus/backends/simd/tile-inl.h"
#include "plexus/backends/simd/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace plexus::simd {
namespace HWY_NAMESPACE {
namespace {

using Tile = void (*)(const MatmulBlock& block, const float* b, int64_t b_stride, int64_t row, int64_t column);

template <int rows, int vectors, bool transposed, Besides besides>
void tile_to_memory(const MatmulBlock& block, const float* b, int64_t b_stride, int64_t row, int64_t column) {
  tile<rows, vectors, transposed, besides>(block, b, b_stride, row, column, ToMemory{block});
}

template <int vectors, bool transposed, Besides besides>
Tile tile_of(int64_t rows) {
  static_assert(most_rows <= 8);
  constexpr auto fitting = [](int r) { return r <= most_rows ? r : 1; };
  static constexpr Tile tiles[] = {
      tile_to_memory<fitting(1), vectors, transposed, besides>, tile_to_memory<fitting(2), vectors, transposed, besides>,
      tile_to_memory<fitting(3), vectors, transposed, besides>, tile_to_memory<fitting(4), vectors, transposed, besides>,
      tile_to_memory<fitting(5), vectors, transposed, besides>, tile_to_memory<fitting(6), vectors, transposed, besides>,
      tile_to_memory<fitting(7), vectors, transposed, besides>, tile_to_memory<fitting(8), vectors, transposed, besides>};
  return tiles[rows - 1];
}

template <int vectors>
Tile tile_of(int64_t rows, bool transposed, Besides besides) {
  if (besides == Besides::asking) return tile_of<vectors, false, Besides::asking>(rows);
  if (besides == Besides::packing)
    return transposed ? tile_of<vectors, true, Besides::packing>(rows) : tile_of<vectors, false, Besides::packing>(rows);
  return transposed ? tile_of<vectors, true, Besides::nothing>(rows) : tile_of<vectors, false, Besides::nothing>(rows);
}

/// Rows are dealt out evenly: 32 rows in tiles of at most 6 are 6 6 5 5 5 5, not 6 6 6 6 6 2.
void multiply(const MatmulBlock& block) {
  const int64_t tiles = (block.rows + most_rows - 1) / most_rows;
  const int64_t low = block.rows / tiles, taller = block.rows % tiles;
  for (int64_t column = 0; column < block.columns; column += 2 * lanes) {
    const bool two = block.columns - column > lanes;
    const float* b = block.b;
    int64_t b_stride = block.b_stride;
    int64_t row = 0;
    for (int64_t t = 0; t < tiles; t++) {
      const int64_t rows = low + (t < taller);
      const bool packing = block.packed && t == 0;
      const Besides besides = packing                     ? Besides::packing
                              : block.next && column == 0 ? Besides::asking
                                                          : Besides::nothing;
      const Tile tile = two ? tile_of<2>(rows, block.a_transposed, besides) : tile_of<1>(rows, block.a_transposed, besides);
      tile(block, b, b_stride, row, column);
      if (packing) b = block.packed, b_stride = panel;
      row += rows;
    }
  }
}

/// One row, a vector of columns or less: b is read as far as it goes, and need not be copied.
void row_edge(const MatmulBlock& block, int64_t column) {
  const int64_t columns = std::min(lanes, block.columns - column);
  const auto part = [&](const float* from) HWY_ATTR { return columns == lanes ? load(from) : load_some(from, columns); };
  const float* b = block.b + column;
  V sum = block.start == Start::c ? part(block.c + column) : block.start == Start::bias ? part(block.bias + column) : zero();
  for (int64_t k = 0; k < block.depth; k++, b += block.b_stride) sum = hn::MulAdd(set(block.a[k]), part(b), sum);
  columns == lanes ? store(sum, block.c + column) : store_some(sum, block.c + column, columns);
}

/// One row, some panels at once.
template <int panels>
void row_of_panels(const MatmulBlock& block, int64_t column) {
  constexpr int each = int(panel / lanes), vectors = panels * each;
  const Edge whole{lanes, true};
  V sum[1][vectors];
  begin<1, vectors>(block, 0, column, whole, sum);
  const float* b[panels];
  PLEXUS_UNROLL for (int p = 0; p < panels; p++) b[p] = block.b + (column / panel + p) * block.b_panels;
  for (int64_t k = 0; k < block.depth; k++) {
    const V from_a = set(block.a[k]);
    PLEXUS_UNROLL for (int v = 0; v < vectors; v++)
        sum[0][v] = hn::MulAdd(from_a, load(b[v / each] + k * panel + v % each * lanes), sum[0][v]);
  }
  ToMemory{block}.take<1, vectors>(0, column, whole, sum);
}

void multiply_row(const MatmulBlock& block) {
  constexpr int vectors = 8;
  if (block.b_panels) {
    constexpr int most = std::max(1, int(vectors * lanes / panel));
    int64_t column = 0;
    for (; column + most * panel <= block.columns; column += most * panel) row_of_panels<most>(block, column);
    if constexpr (most > 2)
      for (; column + 2 * panel <= block.columns; column += 2 * panel) row_of_panels<2>(block, column);
    for (; column < block.columns; column += panel) row_of_panels<1>(block, column);
    return;
  }
  int64_t column = 0;
  for (; column + vectors * lanes <= block.columns; column += vectors * lanes)
    tile_to_memory<1, vectors, false, Besides::nothing>(block, block.b, block.b_stride, 0, column);
  for (; column < block.columns; column += lanes) row_edge(block, column);
}

void copy(const float* b, int64_t b_stride, int64_t depth, int64_t columns, float* packed) {
  for (int64_t k = 0; k < depth; k++, b += b_stride, packed += panel) {
    // Unrolled: GCC makes a loop of stores of zero into a string instruction, which takes 20 cycles to start.
    PLEXUS_UNROLL for (int64_t j = 0; j < panel; j += lanes) {
      const int64_t left = columns - j;
      store(left >= lanes ? load(b + j) : left > 0 ? load_some(b + j, left) : zero(), packed + j);
    }
  }
}

void transpose(const float* b, int64_t b_stride, int64_t depth, int64_t columns, float* packed) {
  transpose_to(b, b_stride, depth, columns, packed, panel);
  if (columns == panel) return;
  for (int64_t k = 0; k < depth; k++)
    for (int64_t j = columns; j < panel; j++) packed[k * panel + j] = 0;
}

void transpose_back(const float* from, int64_t rows, int64_t columns, float* to, int64_t to_stride) {
  transpose_to(from, panel, rows, columns, to, to_stride);
}

const MatmulTiles tiles = {lanes, most_rows, multiply, multiply_row, copy, transpose, transpose_back};

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace plexus::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plexus::simd {
const MatmulTiles& matmul_tiles(Isa isa) { return *PLEXUS_SIMD_TABLE(isa, tiles); }
}  // namespace plexus::simd
#endif

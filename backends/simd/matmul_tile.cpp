#include "plexus/backends/simd/targets.h"
// Before Highway, whose targets it names.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plexus/backends/simd/matmul_tile.cpp"
#include <hwy/foreach_target.h>

#include <cstring>

#include "plexus/backends/simd/tile-inl.h"
#include "plexus/backends/simd/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace plexus::simd {
namespace HWY_NAMESPACE {
namespace {

/// Tiles below each other, from a row on to another.
using Tiles = void (*)(const MatmulBlock& block, const float* b, int64_t b_stride, int64_t row, int64_t last, int64_t column);

template <int rows, int vectors, bool transposed, Besides besides>
void tiles_to_memory(const MatmulBlock& block, const float* b, int64_t b_stride, int64_t row, int64_t last, int64_t column) {
  constexpr bool activates = !transposed && besides != Besides::turning;
  for (; row < last; row += rows) tile<rows, vectors, transposed, besides>(block, b, b_stride, row, column, ToMemory<activates>{block});
}

template <int vectors, bool transposed, Besides besides>
Tiles tiles_of(int64_t rows) {
  static_assert(most_rows <= 8);
  constexpr auto fitting = [](int r) { return r <= most_rows ? r : 1; };
  static constexpr Tiles tiles[] = {
      tiles_to_memory<fitting(1), vectors, transposed, besides>, tiles_to_memory<fitting(2), vectors, transposed, besides>,
      tiles_to_memory<fitting(3), vectors, transposed, besides>, tiles_to_memory<fitting(4), vectors, transposed, besides>,
      tiles_to_memory<fitting(5), vectors, transposed, besides>, tiles_to_memory<fitting(6), vectors, transposed, besides>,
      tiles_to_memory<fitting(7), vectors, transposed, besides>, tiles_to_memory<fitting(8), vectors, transposed, besides>};
  return tiles[rows - 1];
}

template <int vectors>
Tiles tiles_of(int64_t rows, bool transposed, Besides besides) {
  if (besides == Besides::asking) return tiles_of<vectors, false, Besides::asking>(rows);
  if (besides == Besides::turning) return tiles_of<vectors, false, Besides::turning>(rows);
  if (besides == Besides::packing)
    return transposed ? tiles_of<vectors, true, Besides::packing>(rows) : tiles_of<vectors, false, Besides::packing>(rows);
  return transposed ? tiles_of<vectors, true, Besides::nothing>(rows) : tiles_of<vectors, false, Besides::nothing>(rows);
}

/// Rows are dealt out evenly: 32 rows in tiles of at most 6 are 6 6 5 5 5 5, not 6 6 6 6 6 2. But each piece of a is a tile.
void multiply(const MatmulBlock& block) {
  const int64_t count = (block.rows + most_rows - 1) / most_rows;
  const int64_t low = block.rows / count, taller = block.rows % count;
  for (int64_t column = 0; column < block.columns; column += 2 * lanes) {
    const bool two = block.columns - column > lanes;
    const float* b = block.b;
    int64_t b_stride = block.b_stride;
    int64_t row = 0;
    const auto down_to = [&](int64_t last, int64_t rows, Besides besides) {
      const Tiles tiles = two ? tiles_of<2>(rows, block.a_transposed, besides) : tiles_of<1>(rows, block.a_transposed, besides);
      tiles(block, b, b_stride, row, last, column);
      row = last;
    };
    if (block.packed) {
      const int64_t first = block.a_pieces ? piece_rows(block.rows) : low + (taller > 0);
      down_to(first, first, Besides::packing);
      b = block.packed, b_stride = panel;
    }
    const Besides besides = block.a_jump != 0           ? Besides::turning
                            : block.next && column == 0 ? Besides::asking
                                                        : Besides::nothing;
    while (block.a_pieces && row < block.rows) {
      const int64_t rows = piece_rows(block.rows - row);
      down_to(row + (block.rows - row) / rows * rows, rows, besides);
    }
    if (row < taller * (low + 1)) down_to(taller * (low + 1), low + 1, besides);
    if (row < block.rows) down_to(block.rows, low, besides);
  }
}

/// One row, some whole panels at once.
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
  ToMemory<true>{block}.template take<1, vectors>(0, column, whole, sum);
}

/// One row, the last columns, all at once: their chains hide each other's latency. Nothing behind them is read, unless a panel is
/// padded.
template <int vectors>
void row_end(const MatmulBlock& block, int64_t column) {
  const int64_t left = block.columns - column - (vectors - 1) * lanes;
  const Edge edge{left, left >= lanes};
  V sum[1][vectors];
  begin<1, vectors>(block, 0, column, edge, sum);
  const float* b = block.b;  // there may be none
  if (block.depth > 0) b += block.b_panels ? column / panel * block.b_panels + column % panel : column;
  const int64_t stride = block.b_panels ? panel : block.b_stride;
  const auto add = [&](const auto& load_last) HWY_ATTR {
    for (int64_t k = 0; k < block.depth; k++, b += stride) {
      const V from_a = set(block.a[k]);
      PLEXUS_UNROLL for (int v = 0; v + 1 < vectors; v++) sum[0][v] = hn::MulAdd(from_a, load(b + v * lanes), sum[0][v]);
      sum[0][vectors - 1] = hn::MulAdd(from_a, load_last(b + (vectors - 1) * lanes), sum[0][vectors - 1]);
    }
  };
  if (edge.whole || block.b_panels)
    add([](const float* from) HWY_ATTR { return load(from); });
  else
    add([&](const float* from) HWY_ATTR { return load_some(from, left); });
  ToMemory<true>{block}.template take<1, vectors>(0, column, edge, sum);
}

/// Some rows of b times as many elements of a, added to one row of c, which `start` says how to begin.
template <int rows>
void add_rows(const MatmulBlock& block, int64_t k, Start start) {
  V from_a[rows];
  PLEXUS_UNROLL for (int i = 0; i < rows; i++) from_a[i] = set(block.a[k + i]);
  const int64_t stride = block.b_stride, columns = block.columns;  // held here: what is stored could be the block
  const float *const b = block.b + k * stride, *const bias = block.bias;
  float* const c = block.c;
  const bool relu = block.then == Then::relu && k + rows == block.depth;
  const auto sum = [&](int64_t column, const auto& load_from) HWY_ATTR {
    V v = start == Start::c ? load_from(c + column) : start == Start::bias ? load_from(bias + column) : zero();
    PLEXUS_UNROLL for (int i = 0; i < rows; i++) v = hn::MulAdd(from_a[i], load_from(b + i * stride + column), v);
    return relu ? positive_part(v) : v;
  };
  int64_t column = 0;
  for (; column + lanes <= columns; column += lanes)
    store(sum(column, [](const float* from) HWY_ATTR { return load(from); }), c + column);
  if (const int64_t left = columns - column; left > 0)
    store_some(sum(column, [&](const float* from) HWY_ATTR { return load_some(from, left); }), c + column, left);
}

/// One row, many columns of a b that is not in panels: b is read as it lies in memory, some rows at a time, between which the
/// chains rest in c. Strips of it, one after the other, would lie pages apart.
void add_all_rows(const MatmulBlock& block) {
  Start start = block.start;
  int64_t k = 0;
  for (; k + 8 <= block.depth; k += 8, start = Start::c) add_rows<8>(block, k, start);
  for (; k + 2 <= block.depth; k += 2, start = Start::c) add_rows<2>(block, k, start);
  for (; k < block.depth; k++, start = Start::c) add_rows<1>(block, k, start);
}

// Strips of b that are read one after the other, 256 or 512 bytes of each of its rows. Where there are more, b is read as it lies:
// with AVX2 256 to 512 columns took 0.7 to 0.8 of the time, 1024 columns half. Of fewer the end of a row would weigh too much.
constexpr int strips = 2;

void multiply_row(const MatmulBlock& block) {
  constexpr int vectors = 8;
  static constexpr void (*ends[])(const MatmulBlock&, int64_t) = {row_end<1>, row_end<2>, row_end<3>, row_end<4>,
                                                                  row_end<5>, row_end<6>, row_end<7>, row_end<8>};
  int64_t column = 0;
  if (block.b_panels) {
    constexpr int most = std::max(1, int(vectors * lanes / panel));
    for (; column + most * panel <= block.columns; column += most * panel) row_of_panels<most>(block, column);
    if constexpr (most > 2)
      for (; column + 2 * panel <= block.columns; column += 2 * panel) row_of_panels<2>(block, column);
    for (; column + panel <= block.columns; column += panel) row_of_panels<1>(block, column);
  } else if (block.columns > strips * vectors * lanes && block.depth > 0) {
    return add_all_rows(block);
  }
  for (; column < block.columns; column += vectors * lanes)
    ends[(std::min(block.columns - column, vectors * lanes) - 1) / lanes](block, column);
}

void copy_a(const float* a, int64_t a_stride, int64_t depth, int64_t rows, float* pieces) {
  // Where rows lie a multiple of 4 KB apart, lines of more of them than these would not stay in the first-level cache.
  constexpr int64_t at_once = 4;
  const int64_t whole = rows / most_rows * most_rows;
  for (int64_t k = 0; k < depth; k += at_once) {
    // Each row lies on a page of its own, where the CPU's own prefetching does not go.
    for (int64_t i = k + 2 * at_once; i < std::min(k + 3 * at_once, depth); i++)
      for (int64_t row = 0; row < rows; row += 16) __builtin_prefetch(a + i * a_stride + row);
    for (int64_t row = 0; row < whole; row += most_rows)
      for (int64_t i = k; i < std::min(k + at_once, depth); i++)
        std::memcpy(pieces + row * depth + i * most_rows, a + i * a_stride + row, most_rows * sizeof(float));
  }
  for (int64_t row = whole, height; row < rows; row += height) {
    height = piece_rows(rows - row);
    for (int64_t k = 0; k < depth; k++) std::copy_n(a + k * a_stride + row, height, pieces + row * depth + k * height);
  }
}

void copy(const float* b, int64_t b_stride, int64_t depth, int64_t columns, float* packed) {
  copy_padded<panel>(b, b_stride, depth, columns, packed);
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

const MatmulTiles tiles = {lanes, most_rows, multiply, multiply_row, copy_a, copy, transpose, transpose_back};

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace plexus::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plexus::simd {
const MatmulTiles& matmul_tiles(Isa isa) { return *PLEXUS_SIMD_TABLE(isa, tiles); }
}  // namespace plexus::simd
#endif

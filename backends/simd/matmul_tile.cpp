#include "plexus/backends/simd/targets.h"
// Before Highway, whose targets it names.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plexus/backends/simd/matmul_tile.cpp"
#include <hwy/foreach_target.h>

#include "plexus/backends/simd/matmul_tile.h"
#include "plexus/backends/simd/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace plexus::simd {
namespace HWY_NAMESPACE {
namespace {

// A tile is `rows` x 2 vectors of accumulators. Fused multiply-adds take 4 cycles and start once (AVX-512 on Zen 4) or twice
// a cycle: 8 chains hide that. With 8 rows of 2 vectors b is read once for 8 rows, and 32 registers hold the 16 accumulators
// with room to spare; 16 registers hold 12. Taller tiles gain nothing: their rows of a no longer fit the first-level cache.
constexpr int most_rows = HWY_TARGET == HWY_AVX2 ? 6 : HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON ? 8 : 4;

// How far ahead of its use the tile that packs b asks for the next rows: they may lie pages apart, where the CPU's own
// prefetching stops.
constexpr int64_t ahead = 8;

/// Columns of the last vector that count: all of them, or the rest.
struct Edge {
  int64_t columns;
  bool whole;
};

template <int rows, int vectors>
HWY_INLINE void begin(const MatmulBlock& block, int64_t row, int64_t column, Edge edge, V (&sum)[rows][vectors]) {
  const auto last = [&](const float* p) HWY_ATTR { return edge.whole ? load(p) : load_some(p, edge.columns); };
  if (block.start == Start::c) {
    PLEXUS_UNROLL for (int r = 0; r < rows; r++) PLEXUS_UNROLL for (int v = 0; v < vectors; v++) {
      const float* c = block.c + (row + r) * block.c_stride + column + v * lanes;
      sum[r][v] = v + 1 < vectors ? load(c) : last(c);
    }
    return;
  }
  PLEXUS_UNROLL for (int v = 0; v < vectors; v++) {
    V value = zero();
    if (block.start == Start::bias) {
      const float* bias = block.bias + column + v * lanes;
      value = v + 1 < vectors ? load(bias) : last(bias);
    }
    PLEXUS_UNROLL for (int r = 0; r < rows; r++) sum[r][v] = value;
  }
}

template <int rows, int vectors>
HWY_INLINE void finish(const MatmulBlock& block, int64_t row, int64_t column, Edge edge, const V (&sum)[rows][vectors]) {
  PLEXUS_UNROLL for (int r = 0; r < rows; r++) PLEXUS_UNROLL for (int v = 0; v < vectors; v++) {
    float* c = block.c + (row + r) * block.c_stride + column + v * lanes;
    if (v + 1 < vectors || edge.whole)
      store(sum[r][v], c);
    else
      store_some(sum[r][v], c, edge.columns);
  }
}

/// What a tile does while it reads b: nothing, copy it, ask for lines of memory that are written soon (a transposed), or for those of
/// the next b (a not transposed).
enum class Besides { nothing, packing, fetching, asking };

/// One tile of c.
template <int rows, int vectors, bool transposed, Besides besides>
void tile(const MatmulBlock& block, const float* b, int64_t b_stride, int64_t row, int64_t column) {
  const int64_t left = block.columns - column - (vectors - 1) * lanes;
  const Edge edge{left, left >= lanes};
  constexpr bool packing = besides == Besides::packing;
  V sum[rows][vectors];
  begin<rows, vectors>(block, row, column, edge, sum);

  // A pointer every three rows: the two between are reached by the addressing modes [p + s] and [p + 2 s].
  constexpr int groups = (rows + 2) / 3;
  const int64_t a_stride = block.a_stride;
  const float* a[groups];
  PLEXUS_UNROLL for (int g = 0; g < groups; g++) {
    a[g] = transposed ? block.a + row + 3 * g : block.a + (row + 3 * g) * a_stride;
  }
  if (block.depth > 0) b += column;  // else there may be no b
  float* packed = packing ? block.packed + column : nullptr;

  const auto step = [&]() HWY_ATTR __attribute__((always_inline)) {
    V from_b[vectors];
    if (packing) {
      PLEXUS_UNROLL for (int v = 0; v < vectors; v++) __builtin_prefetch(b + ahead * b_stride + v * lanes);
    }
    PLEXUS_UNROLL for (int v = 0; v < vectors; v++) {
      from_b[v] = load(b + v * lanes);
      if (packing) store(from_b[v], packed + v * lanes);
    }
    PLEXUS_UNROLL for (int r = 0; r < rows; r++) {
      const V from_a = set(transposed ? a[r / 3][r % 3] : a[r / 3][(r % 3) * a_stride]);
      PLEXUS_UNROLL for (int v = 0; v < vectors; v++) sum[r][v] = hn::MulAdd(from_a, from_b[v], sum[r][v]);
    }
    b += b_stride;
    if (packing) packed += panel;
    PLEXUS_UNROLL for (int g = 0; g < groups; g++) a[g] += transposed ? a_stride : 1;
  };
  int64_t depth = block.depth;
  constexpr int64_t line = 64 / sizeof(float);
  if constexpr (besides == Besides::fetching) {
    // A line of each array a step: all at once they would fill the queue of loads that the product waits in as well.
    const int64_t fetched = std::min<int64_t>(depth, rows * panel / line);
    for (int64_t i = 0; i < fetched; i++) {
      for (const float* from : block.fetch) fetch_to_write(from + row * panel + i * line);
      step();
    }
    depth -= fetched;
  }
  if constexpr (besides == Besides::asking) {
    // Each tile asks for its share.
    const int64_t lines = block.depth * panel / line, first = lines * row / block.rows, last = lines * (row + rows) / block.rows;
    const int64_t asked = std::min(depth, last - first);
    for (int64_t i = 0; i < asked; i++) {
      __builtin_prefetch(block.next + (first + i) * line);
      step();
    }
    depth -= asked;
  }
  const int64_t stretch = block.a_jump == 0 ? depth : panel;
  for (int64_t left = depth; left > 0; left -= stretch) {
    int64_t k = std::min(left, stretch);
    constexpr int64_t at_once = packing ? 1 : 2;  // clang has no registers for two steps that store beside
    for (; k >= at_once; k -= at_once) {
      step();
      if (at_once > 1) step();
    }
    if (k > 0) step();
    PLEXUS_UNROLL for (int g = 0; g < groups; g++) a[g] += block.a_jump;
  }
  finish<rows, vectors>(block, row, column, edge, sum);
}

using Tile = void (*)(const MatmulBlock& block, const float* b, int64_t b_stride, int64_t row, int64_t column);

template <int vectors, bool transposed, Besides besides>
Tile tile_of(int64_t rows) {
  static_assert(most_rows <= 8);
  constexpr auto fitting = [](int r) { return r <= most_rows ? r : 1; };
  static constexpr Tile tiles[] = {
      tile<fitting(1), vectors, transposed, besides>, tile<fitting(2), vectors, transposed, besides>,
      tile<fitting(3), vectors, transposed, besides>, tile<fitting(4), vectors, transposed, besides>,
      tile<fitting(5), vectors, transposed, besides>, tile<fitting(6), vectors, transposed, besides>,
      tile<fitting(7), vectors, transposed, besides>, tile<fitting(8), vectors, transposed, besides>};
  return tiles[rows - 1];
}

template <int vectors>
Tile tile_of(int64_t rows, bool transposed, Besides besides) {
  if (besides == Besides::fetching) return tile_of<vectors, true, Besides::fetching>(rows);
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
      const Besides besides = packing                            ? Besides::packing
                              : block.fetch[0] && column == 0 ? Besides::fetching
                              : block.next && column == 0     ? Besides::asking
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
  finish<1, vectors>(block, 0, column, whole, sum);
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
    tile<1, vectors, false, Besides::nothing>(block, block.b, block.b_stride, 0, column);
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

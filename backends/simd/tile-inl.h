// Tiles of a product, and what becomes of them. Compiled once for each instruction set.
#if defined(PLEXUS_SIMD_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLEXUS_SIMD_TILE_INL_H_
#undef PLEXUS_SIMD_TILE_INL_H_
#else
#define PLEXUS_SIMD_TILE_INL_H_
#endif

#include <algorithm>

#include "plexus/backends/simd/math-inl.h"
#include "plexus/backends/simd/matmul_tile.h"

HWY_BEFORE_NAMESPACE();
namespace plexus::simd {
namespace HWY_NAMESPACE {

// A tile is `rows` x 2 vectors of accumulators. Fused multiply-adds take 4 cycles and start once (AVX-512 on Zen 4) or twice
// a cycle: 8 chains hide that. With 8 rows of 2 vectors b is read once for 8 rows, and 32 registers hold the 16 accumulators
// with room to spare; 16 registers hold 12. Taller tiles gain nothing: their rows of a no longer fit the first-level cache.
constexpr int most_rows = HWY_TARGET == HWY_AVX2 ? 6 : HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON ? 8 : 4;

/// Rows of the next piece of a (MatmulTiles::copy_a), where so many are left.
constexpr int64_t piece_rows(int64_t left) { return left >= most_rows ? most_rows : left >= 4 ? 4 : left >= 2 ? 2 : 1; }

// How far ahead of its use a tile asks for rows of b, where it does. The one that packs b: they may lie pages apart, where the CPU's own
// prefetching stops. Every tile of AVX2: its two vectors are half of a panel's row, every other line of it, and prefetching fetches
// the lines between, too. On an EPYC 7003 products up to 1024 deep take 2 to 6 % less time, 4 to 16 rows ahead; those whose strip of b stays in
// the first-level cache take no more.
constexpr int64_t ahead = 8;

/// Columns of the last vector that count: all of them, or the rest.
struct Edge {
  int64_t columns;
  bool whole;
};

template <int rows, int vectors>
HWY_INLINE void begin(const MatmulBlock& block, int64_t row, int64_t column, Edge edge, V (&sum)[rows][vectors]) {
  if (block.start == Start::c) {
    const float* const c = block.c + row * block.c_stride + column;
    const float* last = c + (vectors - 1) * lanes;
    int64_t stride = block.c_stride;
    HWY_ALIGN float copy[rows * lanes];
    if (!masks && !edge.whole) copy_padded<lanes>(last, stride, rows, edge.columns, copy), last = copy, stride = lanes;
    PLEXUS_UNROLL for (int r = 0; r < rows; r++) {
      PLEXUS_UNROLL for (int v = 0; v + 1 < vectors; v++) sum[r][v] = load(c + r * block.c_stride + v * lanes);
      sum[r][vectors - 1] = masks && !edge.whole ? load_some(last + r * stride, edge.columns) : load(last + r * stride);
    }
    return;
  }
  PLEXUS_UNROLL for (int v = 0; v < vectors; v++) {
    V value = zero();
    if (block.start == Start::bias) {
      const float* bias = block.bias + column + v * lanes;
      value = v + 1 < vectors || edge.whole ? load(bias) : load_some(bias, edge.columns);
    }
    PLEXUS_UNROLL for (int r = 0; r < rows; r++) sum[r][v] = value;
  }
}

/// What becomes of a tile: it is stored. `activates`: something may be done with it before.
template <bool activates>
struct ToMemory {
  const MatmulBlock& block;

  template <int rows, int vectors>
  HWY_INLINE void take(int64_t row, int64_t column, Edge edge, V (&sum)[rows][vectors]) const {
    const int64_t stride = block.c_stride;  // held here: what is stored could be the block
    float* const c = block.c + row * stride + column;
    if (activates && block.then == Then::relu) {
      PLEXUS_UNROLL for (int r = 0; r < rows; r++)
        PLEXUS_UNROLL for (int v = 0; v < vectors; v++) sum[r][v] = positive_part(sum[r][v]);
    } else if (activates && block.then == Then::relu_gradient) {
      const float* const saved = block.saved + row * stride + column;
      PLEXUS_UNROLL for (int r = 0; r < rows; r++)
        PLEXUS_UNROLL for (int v = 0; v < vectors; v++) sum[r][v] = relu_gradient(sum[r][v], load(saved + r * stride + v * lanes));
    }
    PLEXUS_UNROLL for (int r = 0; r < rows; r++)
      PLEXUS_UNROLL for (int v = 0; v + 1 < vectors; v++) store(sum[r][v], c + r * stride + v * lanes);
    float* const last = c + (vectors - 1) * lanes;
    if (edge.whole) {
      PLEXUS_UNROLL for (int r = 0; r < rows; r++) store(sum[r][vectors - 1], last + r * stride);
      return;
    }
    if constexpr (masks) {
      PLEXUS_UNROLL for (int r = 0; r < rows; r++) store_some(sum[r][vectors - 1], last + r * stride, edge.columns);
      return;
    }
    HWY_ALIGN float copy[rows * lanes];
    PLEXUS_UNROLL for (int r = 0; r < rows; r++) store(sum[r][vectors - 1], copy + r * lanes);
    copy_some(copy, rows, edge.columns, last, stride);
  }
};

/// What a tile does while it reads b: nothing, copy it, ask for lines of the next b (a not transposed), or for those that are
/// written when the tile below is taken, or go on to the next panel of a (not transposed).
enum class Besides { nothing, packing, asking, fetching, turning };

/// One tile of c, and what `finish` does with it.
template <int rows, int vectors, bool transposed, Besides besides, class Finish>
HWY_INLINE void tile(const MatmulBlock& block, const float* b, int64_t b_stride, int64_t row, int64_t column, const Finish& finish) {
  const int64_t left = block.columns - column - (vectors - 1) * lanes;
  const Edge edge{left, left >= lanes};
  constexpr bool packing = besides == Besides::packing;
  V sum[rows][vectors];
  begin<rows, vectors>(block, row, column, edge, sum);

  // Of an a that is not transposed a pointer every three rows: the two between are reached by the addressing modes [p + s] and
  // [p + 2 s].
  constexpr int groups = transposed ? 1 : (rows + 2) / 3;
  const int64_t a_stride = transposed && block.a_pieces ? rows : block.a_stride;
  const float* a[groups];
  PLEXUS_UNROLL for (int g = 0; g < groups; g++) {
    a[g] = block.a + (!transposed ? (row + 3 * g) * a_stride : block.a_pieces ? row * block.depth : row);
  }
  if (block.depth > 0) b += column;  // else there may be no b
  float* packed = packing ? block.packed + column : nullptr;

  const auto step = [&]() HWY_ATTR __attribute__((always_inline)) {
    V from_b[vectors];
    if (packing) {
      PLEXUS_UNROLL for (int v = 0; v < vectors; v++) __builtin_prefetch(b + ahead * b_stride + v * lanes);
    } else if (HWY_TARGET == HWY_AVX2 && vectors == 2) {
      __builtin_prefetch(b + ahead * b_stride);
    }
    PLEXUS_UNROLL for (int v = 0; v < vectors; v++) {
      from_b[v] = load(b + v * lanes);
      if (packing) store(from_b[v], packed + v * lanes);
    }
    PLEXUS_UNROLL for (int r = 0; r < rows; r++) {
      const V from_a = set(transposed ? a[0][r] : a[r / 3][(r % 3) * a_stride]);
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
    constexpr int64_t lines = std::max<int64_t>(1, vectors * lanes / line);  // of a row: all of it, or one
    static_assert(lines == 1 || lines * line == panel);
    const int64_t fetched = std::min(depth, rows * lines);
    for (int64_t i = 0, at = (row + rows) * panel + column; i < fetched; i++, at += lines == 1 ? panel : line) {
      finish.fetch(at);
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
  const auto steps = [&](int64_t k) HWY_ATTR __attribute__((always_inline)) {
    // Not unrolled: of two steps a turn GCC moves sums about where there are 16 registers, and products took 2 to 9 % more time.
    _Pragma("GCC unroll 1") for (; k > 0; k--) step();
  };
  if constexpr (besides == Besides::turning) {
    for (; depth > 0; depth -= panel) {
      // The rows of the next panel are far away: the CPU's own prefetching stops at the end of a page.
      const float* next = depth > panel ? a[0] + panel + block.a_jump : block.a + (row + rows) * a_stride;
      for (int r = 0; r < rows; r++, next += a_stride) {
        __builtin_prefetch(next);
        __builtin_prefetch(next + line);
      }
      steps(std::min(depth, panel));
      PLEXUS_UNROLL for (int g = 0; g < groups; g++) a[g] += block.a_jump;
    }
  } else {
    steps(depth);
  }
  finish.template take<rows, vectors>(row, column, edge, sum);
}

}  // namespace HWY_NAMESPACE
}  // namespace plexus::simd
HWY_AFTER_NAMESPACE();
#endif

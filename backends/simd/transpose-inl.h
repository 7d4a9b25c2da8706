// Matrices transposed in registers and from memory to memory. Compiled once for each instruction set.
#if defined(PLEXUS_SIMD_TRANSPOSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLEXUS_SIMD_TRANSPOSE_INL_H_
#undef PLEXUS_SIMD_TRANSPOSE_INL_H_
#else
#define PLEXUS_SIMD_TRANSPOSE_INL_H_
#endif

#include <algorithm>

#include "plexus/backends/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace plexus::simd {
namespace HWY_NAMESPACE {

// Columns of a matrix whose rows lie one behind the other without gaps, as those of a layer with few outputs: up to so many of them are
// told apart within whole vectors, for which Highway has loads and stores. Row by row, most of each vector would be empty.
constexpr int64_t most_gapless = 4;

/// Whether `rows` rows of so many columns are enough for that, and lie like that.
HWY_INLINE bool gapless(int64_t stride, int64_t rows, int64_t columns) {
  return lanes > 1 && stride == columns && columns <= most_gapless && rows >= lanes;
}

#if HWY_TARGET == HWY_SCALAR
HWY_INLINE void transpose_square(V (&)[lanes]) {}
HWY_INLINE void load_transposed(const float* from, int64_t, V (&x)[lanes]) { x[0] = load(from); }
HWY_INLINE void transpose_whole(const float*, int64_t, int64_t, int64_t, float*, int64_t) {}
HWY_INLINE void split_columns(const float*, int64_t, float*, int64_t) {}
HWY_INLINE void join_columns(const float*, int64_t, float*) {}
#else

using F4 = hn::CappedTag<float, 4>;
using F8 = hn::CappedTag<float, 8>;
using Pairs = hn::Repartition<double, F>;

/// Four floats from each of lanes / 4 rows, `stride` apart, side by side.
HWY_INLINE V load_fours(const float* p, [[maybe_unused]] int64_t stride) {
#if HWY_TARGET == HWY_AVX3
  const F8 half;
  const auto low = hn::Combine(half, hn::LoadU(F4(), p + stride), hn::LoadU(F4(), p));
  const auto high = hn::Combine(half, hn::LoadU(F4(), p + 3 * stride), hn::LoadU(F4(), p + 2 * stride));
  return hn::Combine(F(), high, low);
#elif HWY_TARGET == HWY_AVX2
  return hn::Combine(F(), hn::LoadU(F4(), p + stride), hn::LoadU(F4(), p));
#else
  return load(p);
#endif
}

/// Block i of the q-th vector holds four floats of row 4 i + q; then the q-th vector holds the q-th floats of all rows.
HWY_INLINE void interleave_fours(V& r0, V& r1, V& r2, V& r3) {
  // Rows q and q + 1 are interleaved, then pairs of them.
  const auto low01 = hn::BitCast(Pairs(), hn::InterleaveLower(F(), r0, r1)),
             high01 = hn::BitCast(Pairs(), hn::InterleaveUpper(F(), r0, r1)),
             low23 = hn::BitCast(Pairs(), hn::InterleaveLower(F(), r2, r3)),
             high23 = hn::BitCast(Pairs(), hn::InterleaveUpper(F(), r2, r3));
  r0 = hn::BitCast(F(), hn::InterleaveLower(Pairs(), low01, low23));
  r1 = hn::BitCast(F(), hn::InterleaveUpper(Pairs(), low01, low23));
  r2 = hn::BitCast(F(), hn::InterleaveLower(Pairs(), high01, high23));
  r3 = hn::BitCast(F(), hn::InterleaveUpper(Pairs(), high01, high23));
}

/// Every `lanes / 4`-th of four vectors, seen as a matrix of blocks of four floats, becomes its transpose.
HWY_INLINE void transpose_blocks([[maybe_unused]] V (&x)[lanes], [[maybe_unused]] int q) {
#if HWY_TARGET == HWY_AVX3
  V &a = x[q], &b = x[q + 4], &c = x[q + 8], &d = x[q + 12];
  const V ac0 = hn::ConcatLowerLower(F(), c, a), ac1 = hn::ConcatUpperUpper(F(), c, a),
          bd0 = hn::ConcatLowerLower(F(), d, b), bd1 = hn::ConcatUpperUpper(F(), d, b);
  a = hn::OddEvenBlocks(hn::SwapAdjacentBlocks(bd0), ac0);
  b = hn::OddEvenBlocks(bd0, hn::SwapAdjacentBlocks(ac0));
  c = hn::OddEvenBlocks(hn::SwapAdjacentBlocks(bd1), ac1);
  d = hn::OddEvenBlocks(bd1, hn::SwapAdjacentBlocks(ac1));
#elif HWY_TARGET == HWY_AVX2
  V &a = x[q], &b = x[q + 4];
  const V low = hn::ConcatLowerLower(F(), b, a);
  b = hn::ConcatUpperUpper(F(), b, a);
  a = low;
#endif
}

/// Block i of vector 4 c + q is of row 4 i + q, columns 4 c to 4 c + 3; then the q-th vector is the q-th column.
HWY_INLINE void interleave_blocks(V (&x)[lanes]) {
  PLEXUS_UNROLL for (int c = 0; c < lanes; c += 4) interleave_fours(x[c], x[c + 1], x[c + 2], x[c + 3]);
}

/// Lane j of vector i and lane i of vector j change places.
HWY_INLINE void transpose_square(V (&x)[lanes]) {
  PLEXUS_UNROLL for (int q = 0; q < 4; q++) transpose_blocks(x, q);
  interleave_blocks(x);
}

/// A square that lies in memory, transposed. AVX2 takes its halves of rows as they come: these loads are a third of the shuffles
/// less. The quarters of AVX-512 would take a quarter more time than whole rows.
HWY_INLINE void load_transposed(const float* from, int64_t stride, V (&x)[lanes]) {
#if HWY_TARGET == HWY_AVX2
  PLEXUS_UNROLL for (int i = 0; i < lanes; i++) x[i] = load_fours(from + i % 4 * stride + i / 4 * 4, 4 * stride);
  interleave_blocks(x);
#else
  PLEXUS_UNROLL for (int i = 0; i < lanes; i++) x[i] = load(from + i * stride);
  transpose_square(x);
#endif
}

/// Four columns of `lanes` rows become four rows: to[q, j] = b[j, q].
HWY_INLINE void transpose_fours(const float* b, int64_t b_stride, float* to, int64_t to_stride) {
  V r0 = load_fours(b, 4 * b_stride), r1 = load_fours(b + b_stride, 4 * b_stride),
    r2 = load_fours(b + 2 * b_stride, 4 * b_stride), r3 = load_fours(b + 3 * b_stride, 4 * b_stride);
  interleave_fours(r0, r1, r2, r3);
  store(r0, to);
  store(r1, to + to_stride);
  store(r2, to + 2 * to_stride);
  store(r3, to + 3 * to_stride);
}

/// Whole vectors of columns, a multiple of four rows: to[i, j] = from[j, i].
HWY_INLINE void transpose_whole(const float* from, int64_t from_stride, int64_t rows, int64_t columns, float* to, int64_t to_stride) {
  for (int64_t i = 0; i < rows; i += 4)
    for (int64_t j = 0; j < columns; j += lanes)
      transpose_fours(from + j * from_stride + i, from_stride, to + i * to_stride + j, to_stride);
}

/// to[i, j] = from[j, i] for i < count <= most_gapless, j < lanes; rows of `from` without gaps.
HWY_NOINLINE inline void split_columns(const float* from, int64_t count, float* to, int64_t to_stride) {
  V x[most_gapless];
  if (count == 1) return store(load(from), to);
  if (count == 2)
    hn::LoadInterleaved2(F(), from, x[0], x[1]);
  else if (count == 3)
    hn::LoadInterleaved3(F(), from, x[0], x[1], x[2]);
  else
    hn::LoadInterleaved4(F(), from, x[0], x[1], x[2], x[3]);
  store(x[0], to);
  store(x[1], to + to_stride);
  if (count > 2) store(x[2], to + 2 * to_stride);
  if (count > 3) store(x[3], to + 3 * to_stride);
}

/// to[j, i] = from[i, j] for i < count <= most_gapless, j < lanes; rows of `to` without gaps, those of `from` of `lanes`.
HWY_NOINLINE inline void join_columns(const float* from, int64_t count, float* to) {
  if (count == 1) return store(load(from), to);
  if (count == 2) return hn::StoreInterleaved2(load(from), load(from + lanes), F(), to);
  if (count == 3) return hn::StoreInterleaved3(load(from), load(from + lanes), load(from + 2 * lanes), F(), to);
  hn::StoreInterleaved4(load(from), load(from + lanes), load(from + 2 * lanes), load(from + 3 * lanes), F(), to);
}
#endif

/// x[i] = element k of row i of a matrix for k < columns <= lanes, then transposed. Rows from `rows` on are anything.
HWY_INLINE void load_square(const float* from, int64_t stride, int64_t rows, int64_t columns, V (&x)[lanes]) {
  if (rows >= lanes && columns >= lanes) return load_transposed(from, stride, x);
  if (gapless(stride, rows, columns)) {
    HWY_ALIGN float split[most_gapless * lanes];
    split_columns(from, columns, split, lanes);
    PLEXUS_UNROLL for (int i = 0; i < lanes; i++) x[i] = i < columns ? load(split + i % most_gapless * lanes) : zero();
    return;
  }
  if constexpr (masks) {
    PLEXUS_UNROLL for (int i = 0; i < lanes; i++) x[i] = load_up_to(from + std::min<int64_t>(i, rows - 1) * stride, columns);
    return transpose_square(x);
  }
  HWY_ALIGN float copy[lanes * lanes];
  copy_padded<lanes>(from, stride, std::min(rows, lanes), columns, copy);
  load_transposed(copy, lanes, x);
}

/// The other way: element i of row k of a matrix = lane k of x[i] for i < columns, k < rows; more of either than `lanes` are left out.
/// x is used up.
HWY_INLINE void store_square(V (&x)[lanes], float* to, int64_t stride, int64_t rows, int64_t columns) {
  if (gapless(stride, rows, columns)) {
    HWY_ALIGN float joined[most_gapless * lanes];
    PLEXUS_UNROLL for (int i = 0; i < std::min(most_gapless, lanes); i++) store(x[i], joined + i * lanes);
    return join_columns(joined, columns, to);
  }
  transpose_square(x);
  PLEXUS_UNROLL for (int k = 0; k < lanes; k++)
    if (k < rows) store_up_to(x[k], to + k * stride, columns);
}

/// to[i, j] = from[j, i] for i < rows, j < columns.
HWY_INLINE void transpose_to(const float* from, int64_t from_stride, int64_t rows, int64_t columns, float* to, int64_t to_stride) {
  const int64_t whole_columns = lanes == 1 ? 0 : columns / lanes * lanes;
  int64_t whole_rows = rows / 4 * 4;
  if (gapless(from_stride, columns, rows)) {
    for (int64_t j = 0; j < whole_columns; j += lanes) split_columns(from + j * rows, rows, to + j, to_stride);
    whole_rows = rows;
  } else {
    transpose_whole(from, from_stride, whole_rows, whole_columns, to, to_stride);
    if (whole_rows > 0 && whole_rows < rows) {  // the last four, some of them again
      const int64_t i = rows - 4;
      transpose_whole(from + i, from_stride, 4, whole_columns, to + i * to_stride, to_stride);
      whole_rows = rows;
    }
  }
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = i < whole_rows ? whole_columns : 0; j < columns; j++) to[i * to_stride + j] = from[j * from_stride + i];
}

}  // namespace HWY_NAMESPACE
}  // namespace plexus::simd
HWY_AFTER_NAMESPACE();

#endif  // toggle

#include "plexus/backends/simd/targets.h"
// Before Highway, whose targets it names.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plexus/backends/simd/sweep_loops.cpp"
#include <hwy/foreach_target.h>

#include <algorithm>

#include "plexus/backends/simd/math-inl.h"
#include "plexus/backends/simd/matmul_tile.h"
#include "plexus/backends/simd/sweep_loops.h"

HWY_BEFORE_NAMESPACE();
namespace plexus::simd {
namespace HWY_NAMESPACE {
namespace {

void scale(const float* x, const float* offset, const float* factor, float* y, int64_t rows, int64_t columns) {
  for (int64_t row = 0; row < rows; row++, x += columns, y += columns) {
    int64_t j = 0;
    for (; j + lanes <= columns; j += lanes)
      store(mul(sub(load(x + j), offset ? load(offset + j) : zero()), load(factor + j)), y + j);
    if (const int64_t rest = columns - j; rest > 0) {
      const V shifted = sub(load_some(x + j, rest), offset ? load_some(offset + j, rest) : zero());
      store_some(mul(shifted, load_some(factor + j, rest)), y + j, rest);
    }
  }
}

#if HWY_TARGET == HWY_SCALAR

/// Words of the stream for positions [first, first + 4 * blocks).
HWY_INLINE void random_words(uint64_t seed, uint32_t stream, uint32_t step, int64_t first_block, int64_t blocks, uint32_t* words) {
  const RandomStream random(seed, Purpose::dropout, stream, step);
  for (int64_t b = 0; b < blocks; b++) {
    const auto block = random.block(uint64_t(first_block + b));
    for (int w = 0; w < 4; w++) words[4 * b + w] = block[size_t(w)];
  }
}
constexpr int64_t blocks_at_once = 1;

#else

using W = hn::ScalableTag<uint64_t>;
using Words = hn::Vec<W>;
constexpr int64_t blocks_at_once = HWY_LANES(uint64_t);

/// The product of the lower halves of 64-bit lanes.
HWY_INLINE Words product(Words a, Words b) {
  const hn::Repartition<uint32_t, W> narrow;
  return hn::MulEven(hn::BitCast(narrow, a), hn::BitCast(narrow, b));
}

/// Philox 4x32-10 (core/random.h), a block a 64-bit lane: words of the blocks [first_block, first_block + blocks_at_once).
HWY_INLINE void random_words(uint64_t seed, uint32_t stream, uint32_t step, int64_t first_block, int64_t, uint32_t* words) {
  const W w;
  const Words low = hn::Set(w, 0xffffffffu), m0 = hn::Set(w, 0xD2511F53u), m1 = hn::Set(w, 0xCD9E8D57u);
  const Words block = hn::Add(hn::Iota(w, 0), hn::Set(w, uint64_t(first_block)));
  const uint64_t name = uint64_t(Purpose::dropout) << 56 | uint64_t(stream & 0xffffff) << 32 | step;
  Words c0 = hn::And(block, low), c1 = hn::ShiftRight<32>(block), c2 = hn::Set(w, name & 0xffffffffu),
        c3 = hn::Set(w, name >> 32);
  uint32_t k0 = uint32_t(seed), k1 = uint32_t(seed >> 32);
  for (int round = 0; round < 10; round++) {
    const Words p0 = product(c0, m0), p1 = product(c2, m1);
    c0 = hn::Xor(hn::Xor(hn::ShiftRight<32>(p1), c1), hn::Set(w, k0));
    c1 = hn::And(p1, low);
    c2 = hn::Xor(hn::Xor(hn::ShiftRight<32>(p0), c3), hn::Set(w, k1));
    c3 = hn::And(p0, low);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  const Words first = hn::Or(c0, hn::ShiftLeft<32>(c1)), second = hn::Or(c2, hn::ShiftLeft<32>(c3));
  hn::StoreInterleaved2(first, second, w, reinterpret_cast<uint64_t*>(words));
}

#endif

void dropout(const float* x, float* y, int64_t first, int64_t count, uint64_t seed, uint32_t stream, uint32_t step,
             float rate) {
  constexpr int64_t at_once = 4 * blocks_at_once;
  const V threshold = set(rate), kept = set(float(1 / (1 - double(rate))));
  const hn::RebindToUnsigned<F> unsigned_lanes;
  HWY_ALIGN uint32_t words[at_once];
  for (int64_t i = 0; i < count; i += at_once) {
    random_words(seed, stream, step, (first + i) / 4, blocks_at_once, words);
    for (int64_t j = 0; j < at_once && i + j < count; j += lanes) {
      const auto bits = hn::ShiftRight<8>(hn::Load(unsigned_lanes, words + j));
      const V uniform = mul(hn::ConvertTo(F(), hn::BitCast(I(), bits)), set(0x1p-24f));
      const Mask keep = hn::Ge(uniform, threshold);
      const int64_t rest = count - i - j;
      if (rest >= lanes)
        store(hn::IfThenElseZero(keep, mul(load(x + i + j), kept)), y + i + j);
      else
        store_some(hn::IfThenElseZero(keep, mul(load_some(x + i + j, rest), kept)), y + i + j, rest);
    }
  }
}

/// `vectors` vectors of columns at once: as many chains hide the latency of an addition.
template <int vectors>
HWY_INLINE void column_sums(const float* x, int64_t stride, int64_t rows, bool accumulate, float* y) {
  V sum[vectors];
  for (int v = 0; v < vectors; v++) sum[v] = accumulate ? load(y + v * lanes) : zero();
  for (int64_t i = 0; i < rows; i++, x += stride)
    for (int v = 0; v < vectors; v++) sum[v] = add(sum[v], load(x + v * lanes));
  for (int v = 0; v < vectors; v++) store(sum[v], y + v * lanes);
}

void column_sum(const float* x, int64_t stride, int64_t rows, int64_t columns, bool accumulate, float* y) {
  int64_t j = 0;
  for (; j + 4 * lanes <= columns; j += 4 * lanes) column_sums<4>(x + j, stride, rows, accumulate, y + j);
  for (; j + lanes <= columns; j += lanes) column_sums<1>(x + j, stride, rows, accumulate, y + j);
  if (const int64_t rest = columns - j; rest > 0) {
    V sum = accumulate ? load_some(y + j, rest) : zero();
    for (int64_t i = 0; i < rows; i++) sum = add(sum, load_some(x + i * stride + j, rest));
    store_some(sum, y + j, rest);
  }
}

float row_sum(const float* x, int64_t n) {
  using Sum = FixedSum<64>;  // four chains of AVX-512
  Sum sum;
  int64_t i = 0;
  for (; i + 64 <= n; i += 64)
    for (int p = 0; p < Sum::parts; p++) sum.add(p * lanes, load(x + i + p * lanes));
  for (; i + lanes <= n; i += lanes) sum.add(i, load(x + i));
  if (i < n) sum.add(i, load_some(x + i, n - i));
  return sum.total();
}

/// The lowest index of the largest element, or of the first NaN.
int32_t argmax(const float* x, int64_t n) {
  // The largest of each lane; a NaN stays where it came first.
  V top = set(x[0]);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const V v = load(x + i);
    top = select(hn::Or(hn::Gt(v, top), hn::IsNaN(v)), v, top);
  }
  HWY_ALIGN float lane[lanes];
  hn::Store(top, F(), lane);
  float best = x[0];
  bool nan = best != best;
  for (int l = 0; l < lanes; l++) {
    nan |= lane[l] != lane[l];
    best = lane[l] > best ? lane[l] : best;
  }
  for (; i < n; i++) {
    nan |= x[i] != x[i];
    best = x[i] > best ? x[i] : best;
  }
  for (int64_t j = 0; j < n; j++)
    if (nan ? x[j] != x[j] : x[j] == best) return int32_t(j);
  return 0;
}

/// Squares of floats, exact in double, added to the sums of their lanes.
struct Squares {
  using D = hn::ScalableTag<double>;
  static constexpr int parts = lanes > 1 ? 2 : 1;
  hn::Vec<D> sum[parts];

  HWY_INLINE Squares() {
    for (auto& s : sum) s = hn::Zero(D());
  }
  HWY_INLINE void add(V v) {
#if HWY_TARGET == HWY_SCALAR
    const hn::Vec<D> x[parts] = {hn::PromoteTo(D(), v)};
#else
    const hn::Half<F> half;
    const hn::Vec<D> x[parts] = {hn::PromoteTo(D(), hn::LowerHalf(half, v)), hn::PromoteTo(D(), hn::UpperHalf(half, v))};
#endif
    PLEXUS_UNROLL for (int p = 0; p < parts; p++) sum[p] = hn::MulAdd(x[p], x[p], sum[p]);
  }
  HWY_INLINE void add_to(double* sums) const {
    for (int p = 0; p < parts; p++) {
      double* const at = sums + p * (lanes / parts);
      hn::StoreU(hn::Add(hn::LoadU(D(), at), sum[p]), D(), at);
    }
  }
};

/// Two chains a column, of the even rows and of the odd ones: one would wait for its additions.
void column_squares(const float* x, int64_t stride, int64_t rows, int64_t columns, double* sums) {
  constexpr int64_t at_once = std::min<int64_t>(panel, 2 * lanes);
  std::fill(sums, sums + panel, 0.0);
  for (int64_t j = 0; j < columns; j += at_once) {
    const bool whole = columns - j >= at_once;
    Squares squares[2][at_once / lanes];
    const auto add = [&](Squares(&chains)[at_once / lanes], const float* row) HWY_ATTR {
      PLEXUS_UNROLL for (int v = 0; v < at_once / lanes; v++)
        chains[v].add(whole ? load(row + v * lanes) : load_up_to(row + v * lanes, columns - j - v * lanes));
    };
    const float* row = x + j;
    int64_t i = 0;
    for (; i + 2 <= rows; i += 2, row += 2 * stride) add(squares[0], row), add(squares[1], row + stride);
    if (i < rows) add(squares[0], row);
    for (const auto& chains : squares)
      for (int v = 0; v < at_once / lanes; v++) chains[v].add_to(sums + j + v * lanes);
  }
}

const SweepLoops loops = {scale, dropout, column_sum, row_sum, argmax, column_squares};

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace plexus::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plexus::simd {
const SweepLoops& sweep_loops(Isa isa) { return *PLEXUS_SIMD_TABLE(isa, loops); }
}  // namespace plexus::simd
#endif

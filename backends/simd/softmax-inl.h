// Softmax of one row. Compiled once for each instruction set.
#if defined(PLEXUS_SIMD_SOFTMAX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLEXUS_SIMD_SOFTMAX_INL_H_
#undef PLEXUS_SIMD_SOFTMAX_INL_H_
#else
#define PLEXUS_SIMD_SOFTMAX_INL_H_
#endif

#include "plexus/backends/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace plexus::simd {
namespace HWY_NAMESPACE {

/// The largest element, sum e^(x - largest) 2^wide_shift, and the logarithm of the sum without the shift. NaN or +inf in
/// the row, or nothing but -inf: sums are NaN.
struct RowSoftmax {
  float largest, sum, log_sum;
};

/// The largest of n elements, NaN left aside; -inf where there is none.
HWY_INLINE float largest_of(const float* x, int64_t n) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  V top = set(-infinity);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const V v = load(x + i);
    top = select(hn::Gt(v, top), v, top);
  }
  float best = -infinity;
  HWY_ALIGN float lane[lanes];
  hn::Store(top, F(), lane);
  for (float v : lane) best = v > best ? v : best;
  for (; i < n; i++) best = x[i] > best ? x[i] : best;
  return best;
}

/// Writes e^(x - largest) 2^wide_shift to y (null: nowhere) and adds it up in a fixed order.
HWY_INLINE RowSoftmax row_softmax(const float* x, int64_t n, float* y) {
  RowSoftmax row;
  row.largest = largest_of(x, n);
  const V largest = set(row.largest);
  FixedSum<16> sum;
  const int64_t whole = n / lanes * lanes;
  for (int64_t i = 0; i < whole; i += lanes) {
    const V e = wide_exp(sub(load(x + i), largest));
    if (y) store(e, y + i);
    sum.add(i, e);
  }
  if (whole < n) {
    const int64_t rest = n - whole;
    const V e = wide_exp(sub(load_some(x + whole, rest), largest));
    if (y) store_some(e, y + whole, rest);
    const Mask there = hn::FirstN(F(), size_t(rest));
    sum.add(whole, hn::IfThenElseZero(there, e));
  }
  row.sum = sum.total();
  row.log_sum = hn::GetLane(log1p(set(row.sum * wide_unit - 1)));  // the largest element alone contributes 1
  return row;
}

}  // namespace HWY_NAMESPACE
}  // namespace plexus::simd
HWY_AFTER_NAMESPACE();

#endif  // toggle

// Vectors of float, and what Highway 1.0.3 lacks: loads and stores of a part, sums in a fixed order. Compiled once for
// each instruction set.
#if defined(PLEXUS_SIMD_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef PLEXUS_SIMD_LANES_INL_H_
#undef PLEXUS_SIMD_LANES_INL_H_
#else
#define PLEXUS_SIMD_LANES_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <limits>

// Loops over accumulators must be unrolled before GCC decides what lives in registers: one that is not puts all of them on
// the stack.
#ifndef PLEXUS_UNROLL
#define PLEXUS_UNROLL _Pragma("GCC unroll 16")
#endif

HWY_BEFORE_NAMESPACE();
namespace plexus::simd {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using F = hn::ScalableTag<float>;
using V = hn::Vec<F>;
using Mask = hn::Mask<F>;
using I = hn::RebindToSigned<F>;

/// Floats in a vector.
constexpr int64_t lanes = HWY_LANES(float);

/// Whether a part of a vector is loaded or stored by one instruction, as fast as a whole one.
constexpr bool masks = HWY_TARGET == HWY_AVX3;

HWY_INLINE V set(float value) { return hn::Set(F(), value); }
HWY_INLINE V zero() { return hn::Zero(F()); }
HWY_INLINE V load(const float* from) { return hn::LoadU(F(), from); }
HWY_INLINE void store(V v, float* to) { hn::StoreU(v, F(), to); }

/// Asks for a cache line that is going to be written. GCC's builtin asks for one to read where the target does not name the
/// instruction, which all x86-64 CPUs take; a line that other cores have read is then asked for twice.
HWY_INLINE void fetch_to_write(const float* at) {
#if HWY_ARCH_X86
  asm volatile("prefetchw %0" : : "m"(*at));
#else
  __builtin_prefetch(at, 1);
#endif
}

/// The first `count` < lanes floats, zeros behind. Reads no others. AVX2 has masked loads and stores, but the first Zen takes 12
/// cycles for such a load, most CPUs as many for a store: parts of 16, 8 and 4 bytes take 1 to 3.
HWY_INLINE V load_some(const float* from, int64_t count) {
#if HWY_TARGET == HWY_AVX3
  return hn::MaskedLoad(hn::FirstN(F(), size_t(count)), F(), from);
#elif HWY_TARGET == HWY_AVX2
  __m128 last = _mm_setzero_ps();
  if (count & 1) last = _mm_load_ss(from + (count & 6));
  if (count & 2) last = _mm_movelh_ps(_mm_castsi128_ps(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from + (count & 4)))), last);
  if (count & 4) return V{_mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(from)), last, 1)};
  return V{_mm256_zextps128_ps256(last)};
#else
  HWY_ALIGN float buffer[lanes] = {};
  for (int64_t i = 0; i < count; i++) buffer[i] = from[i];
  return hn::Load(F(), buffer);
#endif
}

/// Writes the first `count` < lanes floats and no others.
HWY_INLINE void store_some(V v, float* to, int64_t count) {
#if HWY_TARGET == HWY_AVX3
  hn::BlendedStore(v, hn::FirstN(F(), size_t(count)), F(), to);
#elif HWY_TARGET == HWY_AVX2
  __m128 left = _mm256_castps256_ps128(v.raw);
  if (count & 4) {
    _mm_storeu_ps(to, left);
    left = _mm256_extractf128_ps(v.raw, 1);
  }
  if (count & 2) {
    _mm_storel_pi(reinterpret_cast<__m64*>(to + (count & 4)), left);
    left = _mm_movehl_ps(left, left);
  }
  if (count & 1) _mm_store_ss(to + (count & 6), left);
#else
  HWY_ALIGN float buffer[lanes];
  hn::Store(v, F(), buffer);
  for (int64_t i = 0; i < count; i++) to[i] = buffer[i];
#endif
}

/// For any count: all of them, the rest, nothing.
HWY_INLINE V load_up_to(const float* from, int64_t count) {
  return count >= lanes ? load(from) : count > 0 ? load_some(from, count) : zero();
}
HWY_INLINE void store_up_to(V v, float* to, int64_t count) {
  if (count >= lanes)
    store(v, to);
  else if (count > 0)
    store_some(v, to, count);
}

// Edges of a block that pass through memory where there are no masks, by functions of their own: inlined in dozens of tiles they
// would be most of the code.

/// to[r, j] = from[r, j] for r < rows, j < columns; zeros for the other j < width, the length of a row of `to`.
template <int64_t width>
HWY_NOINLINE void copy_padded(const float* from, int64_t stride, int64_t rows, int64_t columns, float* to) {
  for (int64_t r = 0; r < rows; r++, from += stride, to += width) {
    // Unrolled: GCC makes a loop of stores of zero into a string instruction, which takes 20 cycles to start.
    PLEXUS_UNROLL for (int64_t j = 0; j < width; j += lanes) store(load_up_to(from + j, columns - j), to + j);
  }
}
/// to[r, j] = from[r, j] for r < rows, j < columns < lanes, the length of a row of `from`.
HWY_NOINLINE inline void copy_some(const float* from, int64_t rows, int64_t columns, float* to, int64_t stride) {
  for (int64_t r = 0; r < rows; r++) store_some(load(from + r * lanes), to + r * stride, columns);
}

/// A sum over `width` places whose order depends on positions alone: element i goes to place i % width, and the places are
/// folded in halves. The same bits whatever the length of a vector.
template <int width>
class FixedSum {
 public:
  static constexpr int parts = width / int(lanes);

  HWY_INLINE FixedSum() {
    for (int p = 0; p < parts; p++) part_[p] = zero();
  }
  /// Adds elements [i, i + lanes); i a multiple of lanes.
  HWY_INLINE void add(int64_t i, V v) { part_[part(i)] = hn::Add(part_[part(i)], v); }
  HWY_INLINE void add_product(int64_t i, V a, V b) { part_[part(i)] = hn::MulAdd(a, b, part_[part(i)]); }

  HWY_INLINE float total() const {
    HWY_ALIGN float place[width];
    for (int p = 0; p < parts; p++) hn::Store(part_[p], F(), place + p * lanes);
    for (int half = width / 2; half > 0; half /= 2)
      for (int i = 0; i < half; i++) place[i] += place[i + half];
    return place[0];
  }

 private:
  static HWY_INLINE int part(int64_t i) { return int(i / lanes) % parts; }
  V part_[parts];
};

}  // namespace HWY_NAMESPACE
}  // namespace plexus::simd
HWY_AFTER_NAMESPACE();

#endif  // toggle

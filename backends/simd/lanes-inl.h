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

/// The first `count` < lanes floats, zeros behind. Reads no others.
HWY_INLINE V load_some(const float* from, int64_t count) {
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
  return hn::MaskedLoad(hn::FirstN(F(), size_t(count)), F(), from);
#else
  HWY_ALIGN float buffer[lanes] = {};
  for (int64_t i = 0; i < count; i++) buffer[i] = from[i];
  return hn::Load(F(), buffer);
#endif
}

/// Writes the first `count` < lanes floats and no others. AVX2's masked store takes longer than this loop on most CPUs.
HWY_INLINE void store_some(V v, float* to, int64_t count) {
#if HWY_TARGET == HWY_AVX3
  hn::BlendedStore(v, hn::FirstN(F(), size_t(count)), F(), to);
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

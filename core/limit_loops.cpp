#include "plexus/core/limit_loops.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace plexus {
namespace {

// Fused multiply-adds take 4 cycles, and at most two start in a cycle: 8 chains keep every CPU busy that
// Plexus knows. 12 leave room for slower ones, and fit 16 registers with the two factors.
constexpr int chains = 12;
// Bits are joined by OR, which takes one cycle on more ports than there are loads: 8 chains, nothing but the
// loads counts.
constexpr int loads = 8;

#define PLEXUS_UNROLL _Pragma("GCC unroll 16")

// The same two loops for a type of vectors. A macro, since what is compiled for an instruction set must be a
// function that says so; `target` is empty for what every machine of the architecture has.
// multiply_add: x -> x / 2 + 1 goes to 2: no value grows, none becomes denormal. None starts there either, or
// at 0: such a chain has been compiled into something else.
#define PLEXUS_LIMIT_LOOPS(set, target, Floats, fma)                                            \
  target float multiply_add_##set(int64_t rounds) {                                             \
    const Floats half = Floats{} + 0.5f, one = Floats{} + 1.0f;                                 \
    Floats x[chains];                                                                           \
    PLEXUS_UNROLL for (int c = 0; c < chains; c++) x[c] = Floats{} + float(c + 3);              \
    for (int64_t i = 0; i < rounds; i++) {                                                      \
      PLEXUS_UNROLL for (int c = 0; c < chains; c++) x[c] = fma;                                \
    }                                                                                           \
    Floats sum = x[0];                                                                          \
    PLEXUS_UNROLL for (int c = 1; c < chains; c++) sum = sum + x[c];                            \
    return sum[0];                                                                              \
  }                                                                                             \
  target float read_##set(const float* data, int64_t count) {                                   \
    typedef uint32_t Words __attribute__((vector_size(sizeof(Floats)), may_alias));             \
    constexpr int64_t step = sizeof(Floats) / sizeof(float);                                    \
    Words any[loads] = {};                                                                      \
    for (int64_t i = 0; i < count; i += loads * step) {                                         \
      PLEXUS_UNROLL for (int l = 0; l < loads; l++) any[l] |=                                   \
          *reinterpret_cast<const Words*>(data + i + l * step);                                 \
    }                                                                                           \
    PLEXUS_UNROLL for (int l = 1; l < loads; l++) any[0] |= any[l];                             \
    return float(any[0][0]);                                                                    \
  }                                                                                             \
  const LimitLoops loops_##set = {2 * chains * int64_t(sizeof(Floats) / sizeof(float)), multiply_add_##set, \
                                  read_##set};

#if defined(__x86_64__)
PLEXUS_LIMIT_LOOPS(avx512, __attribute__((target("avx512f"))), __m512, _mm512_fmadd_ps(x[c], half, one))
PLEXUS_LIMIT_LOOPS(avx2, __attribute__((target("avx2,fma"))), __m256, _mm256_fmadd_ps(x[c], half, one))
#elif defined(__aarch64__)
PLEXUS_LIMIT_LOOPS(neon, , float32x4_t, vfmaq_f32(one, x[c], half))
#endif

// One at a time, in plain variables: vectors of one element would go through memory.
float multiply_add_scalar(int64_t rounds) {
  float x[chains];
  PLEXUS_UNROLL for (int c = 0; c < chains; c++) x[c] = float(c + 3);
  for (int64_t i = 0; i < rounds; i++) {
    PLEXUS_UNROLL for (int c = 0; c < chains; c++) x[c] = x[c] * 0.5f + 1.0f;
  }
  float sum = x[0];
  PLEXUS_UNROLL for (int c = 1; c < chains; c++) sum += x[c];
  return sum;
}
float read_scalar(const float* data, int64_t count) {
  typedef uint32_t Word __attribute__((may_alias));
  Word any[loads] = {};
  for (int64_t i = 0; i < count; i += loads) {
    PLEXUS_UNROLL for (int l = 0; l < loads; l++) any[l] |= *reinterpret_cast<const Word*>(data + i + l);
  }
  PLEXUS_UNROLL for (int l = 1; l < loads; l++) any[0] |= any[l];
  return float(any[0]);
}
const LimitLoops loops_scalar = {2 * chains, multiply_add_scalar, read_scalar};

}  // namespace

const LimitLoops& limit_loops(Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::avx512) return loops_avx512;
  if (isa == Isa::avx2) return loops_avx2;
#elif defined(__aarch64__)
  if (isa == Isa::neon) return loops_neon;
#endif
  static_cast<void>(isa);
  return loops_scalar;
}

}  // namespace plexus

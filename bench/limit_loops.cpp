#include "plexus/backends/simd/targets.h"
// Before Highway, whose targets it names.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plexus/bench/limit_loops.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "plexus/bench/limit_loops.h"

#define PLEXUS_UNROLL _Pragma("GCC unroll 16")

HWY_BEFORE_NAMESPACE();
namespace plexus::bench {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using F = hn::ScalableTag<float>;
using V = hn::Vec<F>;

constexpr int64_t lanes = HWY_LANES(float);

// Fused multiply-adds take 4 cycles, and at most two start in a cycle: 8 chains keep every CPU busy that Plexus knows. 12
// leave room for slower ones, and fit 16 registers with the two factors.
constexpr int chains = 12;

float multiply_add(int64_t rounds) {
  // x -> x / 2 + 1 goes to 2 and stays there: no value grows, none becomes denormal.
  const V half = hn::Set(F(), 0.5f), one = hn::Set(F(), 1.0f);
  V x[chains];
  PLEXUS_UNROLL for (int c = 0; c < chains; c++) x[c] = hn::Set(F(), float(c));
  for (int64_t i = 0; i < rounds; i++) {
    PLEXUS_UNROLL for (int c = 0; c < chains; c++) x[c] = hn::MulAdd(x[c], half, one);
  }
  V sum = x[0];
  PLEXUS_UNROLL for (int c = 1; c < chains; c++) sum = hn::Add(sum, x[c]);
  HWY_ALIGN float lane[lanes];
  hn::Store(sum, F(), lane);
  return lane[0];
}

// Bits are joined by OR, which takes one cycle on more ports than there are loads: 8 chains, nothing but the loads counts.
constexpr int loads = 8;

float read(const float* data, int64_t count) {
  const hn::RebindToUnsigned<F> bits;
  const auto* words = reinterpret_cast<const uint32_t*>(data);
  hn::Vec<decltype(bits)> any[loads];
  PLEXUS_UNROLL for (int l = 0; l < loads; l++) any[l] = hn::Zero(bits);
  for (int64_t i = 0; i < count; i += loads * lanes) {
    PLEXUS_UNROLL for (int l = 0; l < loads; l++) any[l] = hn::Or(any[l], hn::Load(bits, words + i + l * lanes));
  }
  PLEXUS_UNROLL for (int l = 1; l < loads; l++) any[0] = hn::Or(any[0], any[l]);
  HWY_ALIGN uint32_t lane[lanes];
  hn::Store(any[0], bits, lane);
  return float(lane[0]);
}

const LimitLoops loops = {2 * chains * lanes, multiply_add, read};

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace plexus::bench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plexus::bench {
const LimitLoops& limit_loops(Isa isa) { return *PLEXUS_SIMD_TABLE(isa, loops); }
}  // namespace plexus::bench
#endif

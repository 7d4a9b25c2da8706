#include "plexus/backends/simd/targets.h"
// Before Highway, whose targets it names.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/simd_functions.cpp"
#include <hwy/foreach_target.h>

#include "backends/simd_functions.h"
#include "plexus/backends/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace plexus::simd {
namespace HWY_NAMESPACE {
namespace {

void all_exp(const float* x, float* y, int64_t n) {
  for (int64_t i = 0; i < n; i += lanes) store(exp(load(x + i)), y + i);
}
void all_log1p(const float* x, float* y, int64_t n) {
  for (int64_t i = 0; i < n; i += lanes) store(log1p(load(x + i)), y + i);
}

const Functions table = {all_exp, all_log1p};

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace plexus::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plexus::simd {
const Functions& functions(Isa isa) { return *PLEXUS_SIMD_TABLE(isa, table); }
}  // namespace plexus::simd
#endif

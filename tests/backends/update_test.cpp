// Optimizer steps on every backend.
#include "backends/every_backend.h"

namespace plexus::conformance {
namespace {

TEST(UpdateKernels, ExactCases) { expect_cases("update", Fill::exact, short_count); }
TEST(UpdateKernels, RealCases) { expect_cases("update", Fill::real, short_count); }

TEST(UpdateKernels, Edges) { expect_edges("update"); }

TEST(UpdateKernels, AnyNumberOfThreadsGivesTheSameBits) {
  for (DType type : {DType::f32, DType::f64}) {
    expect_same_bits_on_any_threads(UpdateSpec{.m = 1025, .n = 255, .momentum = 0.9, .dtype = type});
    expect_same_bits_on_any_threads(UpdateSpec{.kind = UpdateKind::adam, .m = 1025, .n = 255, .beta1 = 0.9,
                                               .beta2 = 0.999, .epsilon = 1e-8, .dtype = type});
  }
}

TEST(UpdateKernels, ExactCasesLong) { expect_cases("update", Fill::exact, long_count); }
TEST(UpdateKernels, RealCasesLong) { expect_cases("update", Fill::real, long_count); }


}  // namespace
}  // namespace plexus::conformance

// Sums, argmax and clipping on every backend.
#include "backends/every_backend.h"

namespace plexus::conformance {
namespace {

TEST(ReduceKernels, ExactCases) { expect_cases("reduce", Fill::exact, short_count); }
TEST(ReduceKernels, RealCases) { expect_cases("reduce", Fill::real, short_count); }
TEST(ReduceKernels, SpecialCases) { expect_cases("reduce", Fill::special, short_count); }
TEST(ReduceKernels, Edges) { expect_edges("reduce"); }

TEST(ReduceKernels, AnyNumberOfThreadsGivesTheSameBits) {
  for (DType type : {DType::f32, DType::f64}) {
    for (int i = 0; i < reduction_count; ++i) {
      expect_same_bits_on_any_threads(ReduceSpec{.kind = Reduction(i), .m = 1025, .n = 255, .dtype = type});
      expect_same_bits_on_any_threads(ReduceSpec{.kind = Reduction(i), .m = 17, .n = 16385, .dtype = type});
    }
  }
}

TEST(ReduceKernels, ExactCasesLong) { expect_cases("reduce", Fill::exact, long_count); }
TEST(ReduceKernels, RealCasesLong) { expect_cases("reduce", Fill::real, long_count); }
TEST(ReduceKernels, SpecialCasesLong) { expect_cases("reduce", Fill::special, long_count); }

}  // namespace
}  // namespace plexus::conformance

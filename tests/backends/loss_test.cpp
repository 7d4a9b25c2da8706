// Losses, value and gradient, on every backend.
#include "backends/every_backend.h"

namespace plexus::conformance {
namespace {

TEST(LossKernels, ExactCases) { expect_cases("loss", Fill::exact, short_count); }
TEST(LossKernels, RealCases) { expect_cases("loss", Fill::real, short_count); }

TEST(LossKernels, Edges) { expect_edges("loss"); }

TEST(LossKernels, AnyNumberOfThreadsGivesTheSameBits) {
  for (DType type : {DType::f32, DType::f64}) {
    for (int i = 0; i < loss_count; ++i)
      expect_same_bits_on_any_threads(LossSpec{.kind = LossKind(i), .m = 4097, .n = 31, .dtype = type});
  }
}

TEST(LossKernels, ExactCasesLong) { expect_cases("loss", Fill::exact, long_count); }
TEST(LossKernels, RealCasesLong) { expect_cases("loss", Fill::real, long_count); }


}  // namespace
}  // namespace plexus::conformance

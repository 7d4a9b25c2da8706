// Dropout on every backend.
#include "backends/every_backend.h"

namespace plexus::conformance {
namespace {

TEST(DropoutKernels, ExactCases) { expect_cases("dropout", Fill::exact, short_count); }
TEST(DropoutKernels, RealCases) { expect_cases("dropout", Fill::real, short_count); }
TEST(DropoutKernels, SpecialCases) { expect_cases("dropout", Fill::special, short_count); }
TEST(DropoutKernels, Edges) { expect_edges("dropout"); }

TEST(DropoutKernels, AnyNumberOfThreadsGivesTheSameBits) {
  for (DType type : {DType::f32, DType::f64}) {
    expect_same_bits_on_any_threads(DropoutSpec{513, 255, 0.3f, 2, Batch::m, type});
  }
}

TEST(DropoutKernels, ExactCasesLong) { expect_cases("dropout", Fill::exact, long_count); }
TEST(DropoutKernels, RealCasesLong) { expect_cases("dropout", Fill::real, long_count); }
TEST(DropoutKernels, SpecialCasesLong) { expect_cases("dropout", Fill::special, long_count); }

}  // namespace
}  // namespace plexus::conformance

// Shifted and scaled columns on every backend.
#include "backends/every_backend.h"

namespace plexus::conformance {
namespace {

TEST(ScaleKernels, ExactCases) { expect_cases("scale", Fill::exact, short_count); }
TEST(ScaleKernels, RealCases) { expect_cases("scale", Fill::real, short_count); }
TEST(ScaleKernels, SpecialCases) { expect_cases("scale", Fill::special, short_count); }
TEST(ScaleKernels, Edges) { expect_edges("scale"); }

TEST(ScaleKernels, AnyNumberOfThreadsGivesTheSameBits) {
  for (DType type : {DType::f32, DType::f64}) {
    expect_same_bits_on_any_threads(ScaleSpec{.m = 1025, .n = 255, .dtype = type});
  }
}

TEST(ScaleKernels, ExactCasesLong) { expect_cases("scale", Fill::exact, long_count); }
TEST(ScaleKernels, RealCasesLong) { expect_cases("scale", Fill::real, long_count); }
TEST(ScaleKernels, SpecialCasesLong) { expect_cases("scale", Fill::special, long_count); }

}  // namespace
}  // namespace plexus::conformance

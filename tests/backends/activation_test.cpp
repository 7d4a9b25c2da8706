// Activations and their gradients on every backend.
#include "backends/every_backend.h"

namespace plexus::conformance {
namespace {

TEST(ActivationKernels, ExactCases) { expect_cases("activation", Fill::exact, short_count); }
TEST(ActivationKernels, RealCases) { expect_cases("activation", Fill::real, short_count); }
TEST(ActivationKernels, SpecialCases) { expect_cases("activation", Fill::special, short_count); }
TEST(ActivationKernels, Edges) { expect_edges("activation"); }

TEST(ActivationKernels, AnyNumberOfThreadsGivesTheSameBits) {
  for (DType type : {DType::f32, DType::f64}) {
    for (int i = 0; i < activation_count; ++i) {
      const Activation kind = Activation(i);
      const double alpha = has_alpha(kind) ? 0.5 : 0;
      expect_same_bits_on_any_threads(ActivationSpec{kind, 513, 255, alpha, Batch::m, type});
      expect_same_bits_on_any_threads(ActivationGradientSpec{kind, 513, 255, alpha, Batch::m, type});
    }
  }
}

TEST(ActivationKernels, ExactCasesLong) { expect_cases("activation", Fill::exact, long_count); }
TEST(ActivationKernels, RealCasesLong) { expect_cases("activation", Fill::real, long_count); }
TEST(ActivationKernels, SpecialCasesLong) { expect_cases("activation", Fill::special, long_count); }

}  // namespace
}  // namespace plexus::conformance

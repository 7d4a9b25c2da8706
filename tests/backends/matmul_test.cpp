// Matrix products on every backend.
#include "backends/every_backend.h"

namespace plexus::conformance {
namespace {

TEST(Matmul, ExactCases) { expect_cases("matmul", Fill::exact, short_count); }
TEST(Matmul, RealCases) { expect_cases("matmul", Fill::real, short_count); }
TEST(Matmul, SpecialCases) { expect_cases("matmul", Fill::special, short_count); }
TEST(Matmul, Edges) { expect_edges("matmul"); }

TEST(Matmul, AnyNumberOfThreadsGivesTheSameBits) {
  for (DType type : {DType::f32, DType::f64}) {
    for (Form form : {Form::nn, Form::nt, Form::tn}) {
      MatmulSpec spec{.form = form, .m = 255, .n = 129, .k = 513, .batch = Batch::none, .bias = true};
      spec.a = spec.b = spec.c = type;
      expect_same_bits_on_any_threads(spec);
    }
  }
}

TEST(Matmul, ExactCasesLong) { expect_cases("matmul", Fill::exact, long_count); }
TEST(Matmul, RealCasesLong) { expect_cases("matmul", Fill::real, long_count); }
TEST(Matmul, SpecialCasesLong) { expect_cases("matmul", Fill::special, long_count); }

}  // namespace
}  // namespace plexus::conformance

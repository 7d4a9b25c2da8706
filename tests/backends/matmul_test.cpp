// Matrix products on every backend.
#include <tuple>

#include "backends/every_backend.h"
#include "plexus/backends/conformance/check.h"

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

void expect_exact(const std::string& name, const Context& context, const MatmulSpec& spec) {
  const Case c{.spec = spec, .fill = Fill::exact, .placement = Placement::before_guard, .seed = 1};
  announce(name + ": " + to_string(c));
  const Result result = check(context.chosen(), c);
  EXPECT_TRUE(result) << result.message;
}

// More rows, columns and depth than a kernel works on at one time; a row of a tn's a that takes whole pages of memory.
TEST(Matmul, LargerThanAnyPiece) {
  on_every_backend([&](const std::string& name, const Context& context) {
    for (const Form form : {Form::nn, Form::nt, Form::tn})
      for (const int64_t lda : {0, 1024}) {
        MatmulSpec spec{.form = form, .m = 160, .n = 290, .k = form == Form::tn || lda == 0 ? 1030 : 1024, .batch = Batch::none, .lda = lda};
        spec.accumulate = lda > 0;
        const Case c{.spec = spec, .fill = lda > 0 ? Fill::exact : Fill::real, .placement = Placement::before_guard, .seed = 1};
        announce(name + ": " + to_string(c));
        const Result result = check(context.chosen(), c);
        EXPECT_TRUE(result) << result.message;
      }
  });
}

// Rows of a are worked on some hundred at a time: one, or a few, may be left.
TEST(Matmul, RowsAreLeftByTheLargestPiece) {
  on_every_backend([&](const std::string& name, const Context& context) {
    for (const Form form : {Form::nn, Form::nt, Form::tn})
      for (const int64_t rows : {129, 258})
        for (const int64_t columns : {1, 10, 33})
          expect_exact(name, context, {.form = form, .m = rows, .n = columns, .k = 1000, .batch = Batch::none});
  });
}

// Where b has more elements than a and c, these may be transposed instead of it, by each thread that has a part of b: more rows,
// columns and depth than lie in one tile.
TEST(Matmul, NeitherSideOfATransposedProductIsSmall) {
  for (const int threads : {1, 3})
    on_every_backend(
        [&](const std::string& name, const Context& context) {
          for (const auto& [m, n, k] : {std::tuple{70, 300, 290}, std::tuple{33, 257, 100}, std::tuple{129, 520, 512},
                                        std::tuple{9, 300, 290}, std::tuple{20, 700, 1024}, std::tuple{36, 700, 500}})
            expect_exact(name, context, {.form = Form::nt, .m = m, .n = n, .k = k, .batch = Batch::none});
        },
        threads);
  expect_same_bits_on_any_threads(MatmulSpec{.form = Form::nt, .m = 9, .n = 300, .k = 520, .batch = Batch::none});
}

// One example, or a few, and layers so wide that several threads share them.
TEST(Matmul, FewRowsAreSharedByThreads) {
  on_every_backend(
      [&](const std::string& name, const Context& context) {
        for (const Form form : {Form::nn, Form::nt, Form::tn})
          for (const int64_t rows : {1, 2, 4, 7}) {
            MatmulSpec spec{.form = form, .m = rows, .n = 1501, .k = 1030, .batch = Batch::none};
            spec.bias = rows == 1 || rows == 4;
            spec.accumulate = rows == 2;
            expect_exact(name, context, spec);
          }
      },
      3);
}

// Few columns are multiplied at once, a wide matrix some rows at a time, of which any number may be left.
TEST(Matmul, OneRowOfAnyWidthAndDepth) {
  on_every_backend([&](const std::string& name, const Context& context) {
    for (const int64_t columns : {1, 5, 31, 100, 131, 300, 601})
      for (const int64_t depth : {1, 7, 17, 24}) {
        MatmulSpec spec{.m = 1, .n = columns, .k = depth, .batch = Batch::none};
        spec.bias = depth == 7;
        spec.accumulate = depth == 17;
        expect_exact(name, context, spec);
      }
  });
}

// The rows of a layer of few outputs lie one behind the other without gaps, and end anywhere in a vector.
TEST(Matmul, FewOutputsOfAnyNumberOfRows) {
  on_every_backend([&](const std::string& name, const Context& context) {
    for (const int64_t outputs : {1, 2, 3, 4, 5})
      for (const int64_t rows : {1, 4, 7, 8, 15, 16, 17, 33, 64}) {
        const int64_t inputs = 19;
        expect_exact(name, context, {.m = rows, .n = outputs, .k = inputs, .batch = Batch::none, .bias = true});
        expect_exact(name, context, {.m = rows, .n = outputs, .k = inputs, .batch = Batch::none, .accumulate = true});
        expect_exact(name, context, {.form = Form::nt, .m = inputs, .n = rows, .k = outputs, .batch = Batch::none});
        expect_exact(name, context, {.form = Form::nt, .m = 1, .n = rows, .k = outputs, .batch = Batch::none});
        expect_exact(name, context, {.form = Form::tn, .m = rows, .n = outputs, .k = inputs, .batch = Batch::none});
      }
  });
}

class Foreign final : public Layout {
 public:
  std::string name() const override { return "foreign"; }
  int64_t elements(const Shape& shape) const override { return shape.elements(); }
  void pack(const void*, void*, const Shape&, DType) const override {}
  void unpack(const void*, void*, const Shape&, DType) const override {}
};

TEST(Matmul, LayoutsOfOthersAreRefused) {
  const Foreign foreign;
  on_every_backend([&](const std::string& name, const Context& context) {
    if (name == "reference") return;
    MatmulSpec spec{.m = 64, .n = 64, .k = 64, .batch = Batch::none};
    EXPECT_TRUE(prepare_kernel(context.chosen(), spec)) << name;
    spec.layout = &foreign;
    EXPECT_FALSE(prepare_kernel(context.chosen(), spec)) << name;
  });
}

TEST(Matmul, ExactCasesLong) { expect_cases("matmul", Fill::exact, long_count); }
TEST(Matmul, RealCasesLong) { expect_cases("matmul", Fill::real, long_count); }
TEST(Matmul, SpecialCasesLong) { expect_cases("matmul", Fill::special, long_count); }

}  // namespace
}  // namespace plexus::conformance

// The conformance library itself: the oracle against results written out by hand, the generators against their promises.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "plexus/backends/conformance/bounds.h"
#include "plexus/backends/conformance/cases.h"
#include "plexus/backends/conformance/edges.h"
#include "plexus/backends/conformance/oracle.h"
#include "plexus/backends/conformance/shapes.h"
#include "plexus/backends/conformance/suite.h"
#include "plexus/core/error.h"

namespace plexus::conformance {
namespace {

TEST(Oracle, AgreesWithEveryEdge) {
  for (const Edge& edge : edges()) {
    const Spec spec = with_rows(edge.spec, edge.rows);
    const std::vector<Expected> oracle = evaluate(spec, edge.inputs);
    for (size_t slot = 0; slot < oracle.size(); ++slot) {
      ASSERT_EQ(oracle[slot].values.present, edge.expected[slot].present) << edge.name;
      if (!oracle[slot].values.present) continue;
      const Matrix &actual = oracle[slot].values, &expected = edge.expected[slot];
      ASSERT_EQ(actual.values.size(), expected.values.size()) << edge.name;
      for (size_t i = 0; i < actual.values.size(); ++i) {
        const double want = rounded(expected.values[i], operand(spec, slot).dtype);
        const double got = rounded(actual.values[i], operand(spec, slot).dtype);
        const bool agrees = std::isnan(want)                       ? std::isnan(got)
                            : std::isinf(want) || edge.exact ? got == want
                                                             : std::fabs(got - want) <= 2e-8 * (1 + std::fabs(want));
        EXPECT_TRUE(agrees) << edge.name << " [" << i << "]: " << got << ", expected " << want;
      }
    }
  }
}

TEST(Oracle, KnowsPublishedValues) {
  // Abramowitz, Stegun: erf(1/sqrt 2) = 0.6826894921..., so gelu(1) = 0.8413447460...; the others by their definitions.
  EXPECT_NEAR(double(activation_value(Activation::gelu, 0, 1)), 0.841344746068543, 1e-15);
  EXPECT_NEAR(double(activation_value(Activation::gelu_tanh, 0, 1)), 0.841191990608302, 1e-12);
  EXPECT_NEAR(double(activation_value(Activation::silu, 0, 1)), 0.731058578630005, 1e-15);
  EXPECT_NEAR(double(activation_value(Activation::softplus, 0, 1)), 1.313261687518223, 1e-15);
  EXPECT_NEAR(double(activation_value(Activation::selu, 0, -1)), -1.111330737812562, 1e-14);
}

TEST(Bounds, FollowTheElementType) {
  EXPECT_EQ(unit_roundoff(DType::f32), 0x1p-24);
  EXPECT_EQ(unit_roundoff(DType::f64), 0x1p-53);
  EXPECT_EQ(unit_roundoff(DType::i32), 0);
  EXPECT_EQ(ulp(1.0, DType::f32), 0x1p-23);
  EXPECT_EQ(ulp(1.5, DType::f64), 0x1p-52);
  EXPECT_EQ(ulp(0x1p-140, DType::f32), 0x1p-149);
  EXPECT_EQ(ulp(0, DType::f64), 0x1p-1074);
}

TEST(Bounds, MatmulIsTheTheorem) {
  const MatmulSpec spec{.m = 1, .n = 1, .k = 100};
  const double u = 0x1p-24, gamma = 102 * u / (1 - 102 * u);
  EXPECT_DOUBLE_EQ(tolerance(spec, 3, 2.0, 50.0), gamma * 50 + 2 * u + 100 * 0x1p-149);
}

TEST(Cases, AreTheSameAgain) {
  for (const std::string& family : families()) {
    for (uint64_t seed : {0, 1, 99}) {
      const Case first = make_case(family, Fill::real, seed), second = make_case(family, Fill::real, seed);
      EXPECT_EQ(to_string(first), to_string(second));
      const Values a = make_values(first), b = make_values(second);
      for (size_t slot = 0; slot < a.size(); ++slot) EXPECT_EQ(a[slot].values, b[slot].values);
    }
  }
  EXPECT_THROW(make_case("convolution", Fill::real, 0), ArgumentError);
}

TEST(Cases, SayHowToMakeThemAgain) {
  EXPECT_EQ(to_string(make_case("scale", Fill::exact, 3)).substr(0, 21), "scale exact 3: scale/");
}

TEST(Cases, AreValidAndDifferent) {
  for (const std::string& family : families()) {
    std::set<std::string> lines;
    int with_rows = 0, empty = 0;
    for (uint64_t seed = 0; seed < 500; ++seed) {
      const Case c = make_case(family, Fill::exact, seed);
      EXPECT_NO_THROW(validate(c.spec)) << to_string(c);
      lines.insert(plexus::to_string(c.spec));
      with_rows += c.rows >= 0;
      empty += operand(c.spec, 0).rows * operand(c.spec, 0).columns == 0;
    }
    EXPECT_GT(lines.size(), 400u) << family;
    EXPECT_GT(with_rows, family == "update" ? -1 : 100) << family;  // an update has no batch
    EXPECT_GT(empty, 5) << family;
  }
}

TEST(Cases, ExactOperandsAreSmallIntegers) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    for (const Matrix& matrix : make_values(make_case("matmul", Fill::exact, seed))) {
      for (double value : matrix.values) {
        EXPECT_EQ(value, std::round(value));
        EXPECT_LE(std::fabs(value), 8);
      }
    }
  }
}

TEST(Cases, SpecialOperandsHoldNaN) {
  bool nan = false;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const Values operands = make_values(make_case("matmul", Fill::special, seed));
    for (double value : operands[0].values) nan |= std::isnan(value);
  }
  EXPECT_TRUE(nan);
}

TEST(Cases, LargeOnesAreLargeAndWithinLimits) {
  for (const std::string& family : families()) {
    int64_t largest = 0;
    for (uint64_t seed = 0; seed < 100; ++seed) {
      const Case c = make_case(family, Fill::real, seed, Extent::large);
      EXPECT_NO_THROW(validate(c.spec)) << to_string(c);
      const Operand first = operand(c.spec, 0);
      const auto* s = std::get_if<MatmulSpec>(&c.spec);
      const int64_t work = s ? s->m * s->n * s->k : first.rows * first.columns;
      EXPECT_LE(work, s ? 1 << 22 : 513 * 513);
      largest = std::max(largest, work);
    }
    EXPECT_GT(largest, family == "matmul" ? 1'000'000 : 100'000) << family;
  }
}

TEST(Check, DifferenceIsOfBits) {
  const Spec spec = ScaleSpec{.m = 1, .n = 2};
  const auto values = [&](double a, double b) {
    Values v(slots(spec).size());
    v.back() = Matrix(1, 2, {a, b});
    return v;
  };
  const double nan = std::nan("");
  EXPECT_EQ(difference(spec, values(1, nan), values(1, -nan)), "");
  EXPECT_EQ(difference(spec, values(1, 2), values(1, 3)), std::string(slots(spec).back().name) + "[0,1] is 2, was 3");
  EXPECT_NE(difference(spec, values(0.0, 2), values(-0.0, 2)), "");
}

TEST(Suite, NamesItsCases) {
  for (int mode = 0; mode < mode_count; ++mode) {
    const CaseName name = parse_case_name("matmul/" + to_string(Mode(mode)) + "/3");
    EXPECT_EQ(name.family, "matmul");
    EXPECT_EQ(name.mode, Mode(mode));
    EXPECT_EQ(name.number, 3u);
    EXPECT_EQ(parse_case_name(to_string(name)).number, 3u);
  }
  for (const char* wrong : {"", "loss", "loss/exact", "loss/exact/", "loss/exact/x", "loss/exact/-1", "loss/exact/1/2",
                            "conv/exact/1", "loss/real/1", "loss/edges/100000", "loss/fused/1"})
    EXPECT_THROW(parse_case_name(wrong), ArgumentError) << wrong;
}

TEST(Suite, CountsCases) {
  for (const std::string& family : families()) {
    EXPECT_EQ(Suite::count(family, Mode::exact, 2000), 2000u);
    EXPECT_EQ(Suite::count(family, Mode::edges, 1), edges(family).size());
    for (int mode = 0; mode < mode_count; ++mode)
      EXPECT_GE(Suite::count(family, Mode(mode), 1), Mode(mode) != Mode::fused || family == "matmul");
  }
}

TEST(Shapes, CoverNetworksAndOddSizes) {
  EXPECT_EQ(layer_shapes(networks()[2], 32),
            (std::vector<MatmulShape>{{32, 256, 784}, {32, 128, 256}, {32, 100, 128}, {32, 10, 100}}));
  const auto shapes = matmul_shapes();
  EXPECT_GT(shapes.size(), 80u);
  for (size_t i = 0; i < shapes.size(); ++i)
    EXPECT_EQ(std::count(shapes.begin(), shapes.end(), shapes[i]), 1);
  std::set<int64_t> seen;
  const RandomStream random(1, Purpose::user);
  for (uint64_t i = 0; i < 1000; ++i) seen.insert(odd_size(random, i, 17));
  EXPECT_EQ(seen, (std::set<int64_t>{0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17}));
}

}  // namespace
}  // namespace plexus::conformance

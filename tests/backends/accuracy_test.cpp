// How far the vector code's functions of one float are from the true values: every 4096th float in the short
// tests, all 2^32 in the long ones, on every instruction set of this machine. The truth is the C library's
// double, whose own error is 2^-50 and less. And that AVX2 and AVX-512 give the same bits.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <mutex>

#include "backends/max_isa.h"
#include "backends/simd_functions.h"
#include "plexus/core/executor.h"
#include "plexus/core/spec/activation.h"

namespace plexus {
namespace {

constexpr int64_t chunk = 4096;

/// y[i] = f(x[i]) for a chunk.
using Function = std::function<void(const float* x, float* y)>;

/// |y - truth| in units of the last place that a float of the truth's size has.
double ulps(float y, double truth) {
  if (std::isnan(truth)) return std::isnan(y) ? 0 : std::numeric_limits<double>::infinity();
  const double largest = std::numeric_limits<float>::max();
  if (std::isinf(y) || std::isinf(truth)) {  // the largest float and infinity are neighbours
    if (double(y) == truth) return 0;
    if (std::isnan(y) || std::signbit(y) != std::signbit(truth))
      return std::numeric_limits<double>::infinity();
    const double other = std::isinf(y) ? std::fabs(truth) : std::fabs(double(y));
    return (std::ldexp(1.0, 128) - std::min(other, std::ldexp(1.0, 128))) / (std::ldexp(1.0, 128) - largest);
  }
  if (std::isnan(y)) return std::numeric_limits<double>::infinity();
  int exponent = 0;
  std::frexp(truth, &exponent);  // truth = m 2^exponent, m in [1/2, 1)
  return std::fabs(double(y) - truth) / std::ldexp(1.0, std::max(exponent - 24, -149));
}

/// The error of one result, in units of what is allowed.
using Judge = std::function<double(float x, float y, double truth)>;
Judge within(double allowed) {
  return [=](float, float y, double truth) { return ulps(y, truth) / allowed; };
}

struct Candidate {
  std::string isa;
  Function function;
};

void expect_accuracy(const std::string& name, const std::vector<Candidate>& candidates,
                     double (*truth)(double), const Judge& judge, uint64_t step) {
  ASSERT_FALSE(candidates.empty());
  const uint64_t floats = (uint64_t(1) << 32) / step;
  std::mutex mutex;
  std::vector<double> worst(candidates.size());
  std::vector<float> where(candidates.size());
  std::vector<float> unlike;
  const Executor executor;
  executor.parallel_for(int64_t(floats) / chunk, 16, [&](int64_t first, int64_t last) {
    std::vector<float> x(chunk), y(chunk), previous(chunk);
    std::vector<double> expected(chunk);
    for (int64_t c = first; c < last; ++c) {
      for (int64_t i = 0; i < chunk; ++i) {
        // Some other bits below than zeros: 4095 is as good as any.
        x[size_t(i)] = std::bit_cast<float>(uint32_t(uint64_t(c * chunk + i) * step + (step - 1)));
        expected[size_t(i)] = truth(double(x[size_t(i)]));
      }
      for (size_t k = 0; k < candidates.size(); ++k) {
        candidates[k].function(x.data(), y.data());
        const auto same = [](float a, float b) { return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b) || (a != a && b != b); };
        const auto differ = candidates[k].isa == "avx512" ? std::mismatch(y.begin(), y.end(), previous.begin(), same).first : y.end();
        previous = y;
        double error = 0;
        size_t at = 0;
        for (size_t i = 0; i < size_t(chunk); ++i) {
          if (y[i] == float(expected[i])) continue;  // nothing is closer: most are, and need no closer look
          if (const double e = judge(x[i], y[i], expected[i]); !(e <= error)) error = e, at = i;
        }
        const std::lock_guard lock(mutex);
        if (differ != y.end()) unlike.push_back(x[size_t(differ - y.begin())]);
        if (!(error <= worst[k])) worst[k] = error, where[k] = x[at];
      }
    }
  });
  if (!unlike.empty()) ADD_FAILURE() << name << ": avx2 and avx512 differ, at " << std::hexfloat << unlike[0];
  for (size_t k = 0; k < candidates.size(); ++k) {
    SCOPED_TRACE(name + ", " + candidates[k].isa);
    testing::Test::RecordProperty(name + "_" + candidates[k].isa, std::to_string(worst[k]));
    EXPECT_LE(worst[k], 1) << "times the allowed error, at " << std::hexfloat << where[k];
  }
}

std::vector<Isa> instruction_sets() {
  std::vector<Isa> sets{Isa::scalar};
  if (cpu().isa != Isa::scalar && cpu().isa != Isa::avx512) sets.push_back(cpu().isa);
  if (cpu().isa == Isa::avx512) sets.push_back(Isa::avx2), sets.push_back(Isa::avx512);
  return sets;
}

/// The activation by its kernel.
std::vector<Candidate> kernels(Activation kind) {
  std::vector<Candidate> candidates;
  for (const Isa isa : instruction_sets()) {
    const Context context = test::simd_context(to_string(isa), 1);
    const ActivationSpec spec{.kind = kind, .m = 1, .n = chunk, .alpha = has_alpha(kind) ? 1.0 : 0};
    auto kernel = std::make_shared<Prepared<ActivationSpec>>(prepare(context.chosen(), spec));
    candidates.push_back({to_string(isa), [context, kernel](const float* x, float* y) {
                            kernel->run({x, y});
                          }});
  }
  return candidates;
}

double sigmoid(double x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }
double elu(double x) { return x > 0 ? x : std::expm1(x); }
double selu(double x) { return 1.0507009873554804934 * (x > 0 ? x : 1.6732632423543772848 * std::expm1(x)); }
double silu(double x) { return x == -std::numeric_limits<double>::infinity() ? -0.0 : x * sigmoid(x); }
double softplus(double x) { return x > 40 ? x + std::exp(-x) : std::log1p(std::exp(x)); }
double gelu(double x) {
  return x == -std::numeric_limits<double>::infinity() ? -0.0 : x * std::erfc(-x / std::sqrt(2.0)) / 2;
}
double gelu_tanh(double x) {
  if (x == -std::numeric_limits<double>::infinity()) return -0.0;
  return x * sigmoid(2 * std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x));
}

/// Below -1 both factors of gelu lose digits; the result is next to nothing there.
double gelu_error(float x, float y, double truth) {
  if (!(x < -1)) return ulps(y, truth) / 4;
  if (!(y <= 0) || y < -1) return std::numeric_limits<double>::infinity();
  return std::fabs(double(y) - truth) / std::ldexp(1.0, -24);
}

class Accuracy : public testing::TestWithParam<uint64_t> {
 protected:
  void SetUp() override {
    if (!test::has_simd()) GTEST_SKIP() << "simd is not built";
  }
  void expect(const std::string& name, Activation kind, double (*truth)(double), const Judge& judge) {
    expect_accuracy(name, kernels(kind), truth, judge, GetParam());
  }
};

TEST_P(Accuracy, Exponential) {
  std::vector<Candidate> candidates;
  for (const Isa isa : instruction_sets())
    candidates.push_back(
        {to_string(isa), [f = simd::functions(isa).exp](const float* x, float* y) { f(x, y, chunk); }});
  expect_accuracy("exp", candidates, std::exp, within(2), GetParam());
}
TEST_P(Accuracy, Logarithm) {
  std::vector<Candidate> candidates;
  for (const Isa isa : instruction_sets())
    candidates.push_back(
        {to_string(isa), [f = simd::functions(isa).log1p](const float* x, float* y) { f(x, y, chunk); }});
  const Judge judge = [](float x, float y, double truth) {
    return x >= 0 || x != x ? ulps(y, truth) / 2 : 0;
  };
  expect_accuracy("log1p", candidates, std::log1p, judge, GetParam());  // for x >= 0: nobody asks for others
}
TEST_P(Accuracy, Tanh) { expect("tanh", Activation::tanh, std::tanh, within(4)); }
TEST_P(Accuracy, Sigmoid) { expect("sigmoid", Activation::sigmoid, sigmoid, within(4)); }
TEST_P(Accuracy, Softplus) { expect("softplus", Activation::softplus, softplus, within(4)); }
TEST_P(Accuracy, Silu) { expect("silu", Activation::silu, silu, within(4)); }
TEST_P(Accuracy, Elu) { expect("elu", Activation::elu, elu, within(4)); }
TEST_P(Accuracy, Selu) { expect("selu", Activation::selu, selu, within(5)); }  // one more product
TEST_P(Accuracy, Gelu) { expect("gelu", Activation::gelu, gelu, gelu_error); }
TEST_P(Accuracy, GeluTanh) { expect("gelu_tanh", Activation::gelu_tanh, gelu_tanh, gelu_error); }

INSTANTIATE_TEST_SUITE_P(Sample, Accuracy, testing::Values(4096));
INSTANTIATE_TEST_SUITE_P(AllFloatsLong, Accuracy, testing::Values(1));

}  // namespace
}  // namespace plexus

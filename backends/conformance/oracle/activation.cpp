#include <algorithm>

#include "plexus/backends/conformance/oracle/softmax.h"

namespace plexus::conformance {
namespace {

constexpr Real pi = 3.14159265358979323846264338327950288L;
// Klambauer et al. 2017: the fixed point of mean 0 and variance 1.
constexpr Real selu_scale = 1.0507009873554804934193349852946L;
constexpr Real selu_alpha = 1.6732632423543772848170429916717L;

Real normal_cdf(Real x) { return std::erfc(-x / std::sqrt(Real(2))) / 2; }
Real normal_density(Real x) { return std::exp(-x * x / 2) / std::sqrt(2 * pi); }
Real gelu_tanh_argument(Real x) { return std::sqrt(2 / pi) * (x + 0.044715L * x * x * x); }
Real gelu_tanh_slope(Real x) { return std::sqrt(2 / pi) * (1 + 3 * 0.044715L * x * x); }

/// x times a factor that vanishes faster than x grows: 0 in the limit, at infinity as well.
Real damped(Real x, Real factor) { return factor == 0 ? 0 : x * factor; }

Real activation(Activation kind, Real alpha, Real x) {
  if (std::isnan(x)) return x;
  switch (kind) {
    case Activation::relu:
      return x > 0 ? x : 0;
    case Activation::leaky_relu:
      return x > 0 ? x : alpha * x;
    case Activation::elu:
      return x > 0 ? x : alpha * std::expm1(x);
    case Activation::selu:
      return selu_scale * (x > 0 ? x : selu_alpha * std::expm1(x));
    case Activation::gelu:
      return damped(x, normal_cdf(x));
    case Activation::gelu_tanh:
      return damped(x, sigmoid(2 * gelu_tanh_argument(x)));
    case Activation::silu:
      return damped(x, sigmoid(x));
    case Activation::sigmoid:
      return sigmoid(x);
    case Activation::tanh:
      return std::tanh(x);
    case Activation::softplus:
      return x > 40 ? x + std::exp(-x) : std::log1p(std::exp(x));
    case Activation::softmax:
    case Activation::log_softmax:
      break;
  }
  return NAN;
}

/// Left of -1 the factor 1 + erf of gelu is a difference of near equals, and the error absolute. A kernel in
/// f32 can take a wider type there and is held to 2^-24; f64 has none. Beyond 38 nothing is left of either.
Real activation_magnitude(const ActivationSpec& s, Real x, Real y) {
  const bool cancels = (s.kind == Activation::gelu || s.kind == Activation::gelu_tanh) && x < -1;
  if (!cancels) return std::fabs(y);
  return s.dtype == DType::f32 ? 1 : std::min<Real>(-x, 38);
}

}  // namespace

std::vector<Expected> evaluate(const ActivationSpec& s, const Values& in) {
  std::vector<Expected> out(2);
  out[1] = matrix_of(s.m, s.n);
  const Matrix& x = in[0];
  for (int64_t i = 0; i < s.m; ++i) {
    if (s.kind == Activation::softmax || s.kind == Activation::log_softmax) {
      const SoftmaxRow row(x, i);
      for (int64_t j = 0; j < s.n; ++j) {
        const Real p = row.p[size_t(j)], log_p = row.log_p[size_t(j)];
        // ln p near 0 is the difference of numbers near 1.
        put(out[1], i, j,
            s.kind == Activation::softmax ? Term{p, probability_magnitude(p)}
                                          : Term{log_p, 1 + std::fabs(log_p)});
      }
      continue;
    }
    for (int64_t j = 0; j < s.n; ++j) {
      const Real y = activation(s.kind, s.alpha, x(i, j));
      put(out[1], i, j, {y, activation_magnitude(s, x(i, j), y)});
    }
  }
  return out;
}

namespace {

/// The slope of an elementwise activation at a point given by `saved`, with the magnitude of its terms.
Term slope(const ActivationGradientSpec& s, Real saved) {
  const Real y = saved, x = saved, alpha = s.alpha;
  switch (s.kind) {
    case Activation::relu:
      return Term::of(y > 0 ? 1 : 0);
    case Activation::leaky_relu:
      return Term::of(y > 0 ? 1 : alpha);
    case Activation::elu:
      return y > 0 ? Term::of(1) : Term{y + alpha, alpha - y};
    case Activation::selu:
      if (y > 0) return Term::of(selu_scale);
      return {y + selu_scale * selu_alpha, selu_scale * selu_alpha - y};
    case Activation::sigmoid:
      return Term::of(y * (1 - y));
    case Activation::tanh:
      return {1 - y * y, 1 + y * y};
    case Activation::softplus:
      return Term::of(sigmoid(x));
    case Activation::silu: {
      const Real curved = damped(x, sigmoid(x) * sigmoid(-x));
      return {sigmoid(x) + curved, sigmoid(x) + damped(std::fabs(x), sigmoid(x))};
    }
    case Activation::gelu:
      return {normal_cdf(x) + damped(x, normal_density(x)), 1 + std::fabs(damped(x, normal_density(x)))};
    case Activation::gelu_tanh: {
      const Real u = gelu_tanh_argument(x), t = std::tanh(u);
      const Real inner = std::fabs(x) * gelu_tanh_slope(x) / 2;
      // 1 - t^2 is lost to rounding while t is near 1, and exactly 0 once t is 1 in both types.
      return {(1 + t) / 2 + damped(x * gelu_tanh_slope(x), 1 / (2 * std::cosh(u) * std::cosh(u))),
              1 + (std::fabs(u) < 20 ? inner : 0)};
    }
    case Activation::softmax:
    case Activation::log_softmax:
      break;
  }
  return {NAN, NAN};
}

}  // namespace

std::vector<Expected> evaluate(const ActivationGradientSpec& s, const Values& in) {
  std::vector<Expected> out(3);
  out[2] = matrix_of(s.m, s.n);
  const Matrix &dy = in[0], &saved = in[1];
  for (int64_t i = 0; i < s.m; ++i) {
    Term sum;  // over the row: dy . y for softmax, dy for log_softmax
    for (int64_t j = 0; j < s.n; ++j)
      sum += Term::of(s.kind == Activation::softmax ? Real(dy(i, j)) * saved(i, j) : Real(dy(i, j)));
    for (int64_t j = 0; j < s.n; ++j) {
      const Real g = dy(i, j), y = saved(i, j);
      Term result;
      if (s.kind == Activation::softmax) {
        result = {y * (g - sum.value), y * (std::fabs(g) + sum.magnitude)};
      } else if (s.kind == Activation::log_softmax) {
        result = {g - std::exp(y) * sum.value, std::fabs(g) + std::exp(y) * sum.magnitude};
      } else if (std::isnan(y)) {
        result = {NAN, NAN};
      } else {
        const Term f = slope(s, y);
        // A dead unit passes nothing on, not even an infinity.
        result = s.kind == Activation::relu && f.value == 0 ? Term{} : f.times(g);
      }
      put(out[2], i, j, result);
    }
  }
  return out;
}

long double activation_value(Activation kind, double alpha, long double x) {
  return activation(kind, alpha, x);
}

}  // namespace plexus::conformance

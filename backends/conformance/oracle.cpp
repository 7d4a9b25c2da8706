#include "plexus/backends/conformance/oracle.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "plexus/backends/conformance/bounds.h"
#include "plexus/core/random.h"

namespace plexus::conformance {
namespace {

using Real = long double;  // 64 bits of significand on x86: its own errors are far below a bound of f64

constexpr Real nan = std::numeric_limits<Real>::quiet_NaN();
constexpr Real infinity = std::numeric_limits<Real>::infinity();
constexpr Real pi = 3.14159265358979323846264338327950288L;
// Klambauer et al. 2017: the fixed point of mean 0 and variance 1.
constexpr Real selu_scale = 1.0507009873554804934193349852946L;
constexpr Real selu_alpha = 1.6732632423543772848170429916717L;

/// A value and what its rounding errors are in proportion to, carried together through sums and products.
struct Term {
  Real value = 0, magnitude = 0;

  static Term of(Real x) { return {x, std::fabs(x)}; }
  Term& operator+=(const Term& other) {
    value += other.value;
    magnitude += other.magnitude;
    return *this;
  }
  Term times(Real factor) const { return {value * factor, magnitude * std::fabs(factor)}; }
};

Expected matrix_of(int64_t rows, int64_t columns) { return {Matrix(rows, columns), Matrix(rows, columns)}; }

void put(Expected& out, int64_t i, int64_t j, const Term& term) {
  out.values(i, j) = double(term.value);
  out.magnitudes(i, j) = double(term.magnitude);
}

Real sigmoid(Real x) { return 1 / (1 + std::exp(-x)); }
Real normal_cdf(Real x) { return std::erfc(-x / std::sqrt(Real(2))) / 2; }
Real normal_density(Real x) { return std::exp(-x * x / 2) / std::sqrt(2 * pi); }
Real gelu_tanh_argument(Real x) { return std::sqrt(2 / pi) * (x + 0.044715L * x * x * x); }
Real gelu_tanh_slope(Real x) { return std::sqrt(2 / pi) * (1 + 3 * 0.044715L * x * x); }

/// x times a factor that vanishes faster than x grows: 0 in the limit, at infinity as well.
Real damped(Real x, Real factor) { return factor == 0 ? 0 : x * factor; }

/// e^x / sum: the rounding of the exponent adds |ln p| units to the twenty that the bound of a softmax allows.
Real probability_magnitude(Real p) { return p > 0 ? p * (1 - std::log(p) / 20) : p; }

/// Row i of a softmax: probabilities and their logarithms.
struct SoftmaxRow {
  std::vector<Real> p, log_p;

  SoftmaxRow(const Matrix& x, int64_t i) : p(size_t(x.columns)), log_p(size_t(x.columns)) {
    Real largest = -infinity;
    for (int64_t j = 0; j < x.columns; ++j) {
      const Real value = x(i, j);
      if (std::isnan(value) || value > largest) largest = value;
      if (std::isnan(value)) break;
    }
    Real sum = 0;
    for (int64_t j = 0; j < x.columns; ++j) sum += std::exp(x(i, j) - largest);
    for (int64_t j = 0; j < x.columns; ++j) {
      p[size_t(j)] = std::exp(x(i, j) - largest) / sum;
      log_p[size_t(j)] = x(i, j) - largest - std::log(sum);
    }
  }
};

// ---- matmul

std::vector<Expected> evaluate(const MatmulSpec& s, const Values& in) {
  std::vector<Expected> out(4);
  out[3] = matrix_of(s.m, s.n);
  const Matrix &a = in[0], &b = in[1], &bias = in[2], &c = in[3];
  for (int64_t i = 0; i < s.m; ++i) {
    for (int64_t j = 0; j < s.n; ++j) {
      Term sum;
      for (int64_t l = 0; l < s.k; ++l) {
        const Real left = s.form == Form::tn ? a(l, i) : a(i, l);
        const Real right = s.form == Form::nt ? b(j, l) : b(l, j);
        sum += Term::of(left * right);
      }
      if (s.bias) sum += Term::of(bias(0, j));
      if (s.accumulate) sum += Term::of(c(i, j));
      put(out[3], i, j, sum);
    }
  }
  return out;
}

// ---- activation

Real activation(Activation kind, Real alpha, Real x) {
  if (std::isnan(x)) return x;
  switch (kind) {
    case Activation::relu: return x > 0 ? x : 0;
    case Activation::leaky_relu: return x > 0 ? x : alpha * x;
    case Activation::elu: return x > 0 ? x : alpha * std::expm1(x);
    case Activation::selu: return selu_scale * (x > 0 ? x : selu_alpha * std::expm1(x));
    case Activation::gelu: return damped(x, normal_cdf(x));
    case Activation::gelu_tanh: return damped(x, sigmoid(2 * gelu_tanh_argument(x)));
    case Activation::silu: return damped(x, sigmoid(x));
    case Activation::sigmoid: return sigmoid(x);
    case Activation::tanh: return std::tanh(x);
    case Activation::softplus: return x > 40 ? x + std::exp(-x) : std::log1p(std::exp(x));
    case Activation::softmax:
    case Activation::log_softmax: break;
  }
  return nan;
}

/// Left of -1 the factor 1 + erf of gelu is a difference of near equals, and the error absolute. A kernel in f32 can
/// take a wider type there and is held to 2^-24; f64 has none. Beyond 38 nothing is left of either.
Real activation_magnitude(const ActivationSpec& s, Real x, Real y) {
  const bool cancels = (s.kind == Activation::gelu || s.kind == Activation::gelu_tanh) && x < -1;
  if (!cancels) return std::fabs(y);
  return s.dtype == DType::f32 ? 1 : std::min<Real>(-x, 38);
}

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
            s.kind == Activation::softmax ? Term{p, probability_magnitude(p)} : Term{log_p, 1 + std::fabs(log_p)});
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

/// The slope of an elementwise activation at a point given by `saved`, with the magnitude of its terms.
Term slope(const ActivationGradientSpec& s, Real saved) {
  const Real y = saved, x = saved, alpha = s.alpha;
  switch (s.kind) {
    case Activation::relu: return Term::of(y > 0 ? 1 : 0);
    case Activation::leaky_relu: return Term::of(y > 0 ? 1 : alpha);
    case Activation::elu: return y > 0 ? Term::of(1) : Term{y + alpha, alpha - y};
    case Activation::selu:
      if (y > 0) return Term::of(selu_scale);
      return {y + selu_scale * selu_alpha, selu_scale * selu_alpha - y};
    case Activation::sigmoid: return Term::of(y * (1 - y));
    case Activation::tanh: return {1 - y * y, 1 + y * y};
    case Activation::softplus: return Term::of(sigmoid(x));
    case Activation::silu: return {sigmoid(x) * (1 + x * sigmoid(-x)), sigmoid(x) * (1 + std::fabs(x))};
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
    case Activation::log_softmax: break;
  }
  return {nan, nan};
}

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
        result = {nan, nan};
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

// ---- loss

struct Row {
  Term value;
  std::vector<Term> gradient;
};

Real sign(Real x) { return std::isnan(x) ? x : Real((x > 0) - (x < 0)); }

/// One element of the losses that are a mean over columns, and its derivative.
Row element_loss(const LossSpec& s, Real p, Real t) {
  const Real d = p - t, size = std::fabs(d), delta = s.delta;
  switch (s.kind) {
    case LossKind::mse: return {Term::of(d * d), {Term::of(2 * d)}};
    case LossKind::mae: return {Term::of(size), {Term::of(sign(d))}};
    case LossKind::huber:
      if (size > delta) return {{delta * (size - delta / 2), delta * (size + delta / 2)}, {Term::of(delta * sign(d))}};
      return {Term::of(d * d / 2), {Term::of(d)}};
    default: break;
  }
  const Real positive = std::fmax(p, Real(0)), tail = std::log1p(std::exp(-std::fabs(p)));
  return {{(std::isnan(p) ? p : positive) - p * t + tail, positive + std::fabs(p * t) + tail},
          {{sigmoid(p) - t, sigmoid(p) + std::fabs(t)}}};
}

Row column_mean_loss(const LossSpec& s, const Matrix& prediction, const Matrix& target, int64_t i) {
  Row row;
  for (int64_t j = 0; j < s.n; ++j) {
    const Row one = element_loss(s, prediction(i, j), target(i, j));
    row.value += one.value.times(Real(1) / s.n);
    row.gradient.push_back(one.gradient[0].times(Real(1) / s.n));
  }
  return row;
}

/// -sum t_j w_j ln p_j; an integer label is the row of t with a single 1.
Row cross_entropy(const LossSpec& s, const Values& in, int64_t i) {
  const Matrix &x = in[0], &target = in[1], &weights = in[2];
  std::vector<Real> share(size_t(s.n), 0);
  if (s.kind == LossKind::softmax_cross_entropy) {
    const double label = target(i, 0);
    if (label < 0 || label >= double(s.n)) return {{nan, nan}, std::vector<Term>(size_t(s.n), {nan, nan})};
    share[size_t(label)] = 1;
  } else {
    for (int64_t j = 0; j < s.n; ++j) share[size_t(j)] = target(i, j);
  }
  Real total = 0;
  for (int64_t j = 0; j < s.n; ++j) {
    if (s.class_weights) share[size_t(j)] *= weights(0, j);
    total += share[size_t(j)];
  }
  const SoftmaxRow softmax(x, i);
  Row row;
  for (int64_t j = 0; j < s.n; ++j) {
    const Real p = softmax.p[size_t(j)], log_p = softmax.log_p[size_t(j)], w = share[size_t(j)];
    // A class without a share adds nothing, though its logarithm be infinite.
    if (w != 0 || std::isnan(log_p)) row.value += {-w * log_p, w * (1 + std::fabs(log_p))};
    row.gradient.push_back({total * p - w, total * probability_magnitude(p) + w});
  }
  return row;
}

std::vector<Expected> evaluate(const LossSpec& s, const Values& in) {
  std::vector<Expected> out(7);
  const bool softmax =
      s.kind == LossKind::softmax_cross_entropy || s.kind == LossKind::softmax_cross_entropy_one_hot;
  const Matrix &sample_weights = in[3], &given_scale = in[4];
  const Real scale = given_scale.present ? Real(given_scale(0, 0)) : Real(1) / s.m;
  Term value;
  if (s.gradient) out[5] = matrix_of(s.m, s.n);
  for (int64_t i = 0; i < s.m; ++i) {
    const Row row = softmax ? cross_entropy(s, in, i) : column_mean_loss(s, in[0], in[1], i);
    const Real weight = scale * (s.sample_weights ? Real(sample_weights(i, 0)) : Real(1));
    value += row.value.times(weight);
    if (!s.gradient) continue;
    for (int64_t j = 0; j < s.n; ++j) put(out[5], i, j, row.gradient[size_t(j)].times(weight));
  }
  if (s.m == 0 && !given_scale.present) value = {nan, nan};
  out[6] = matrix_of(1, 1);
  put(out[6], 0, 0, value);
  return out;
}

// ---- dropout, reduce, scale

std::vector<Expected> evaluate(const DropoutSpec& s, const Values& in) {
  std::vector<Expected> out(4);
  out[3] = matrix_of(s.m, s.n);
  const RandomStream random(uint64_t(int64_t(in[1](0, 0))), Purpose::dropout, s.stream, uint32_t(in[2](0, 0)));
  for (int64_t position = 0; position < s.m * s.n; ++position) {
    const bool kept = random.uniform(uint64_t(position)) >= s.rate;
    const Real y = kept ? in[0].values[size_t(position)] / (1 - Real(s.rate)) : 0;
    put(out[3], position / s.n, position % s.n, Term::of(y));
  }
  return out;
}

int64_t argmax(const Matrix& x, int64_t i) {
  for (int64_t j = 0; j < x.columns; ++j)
    if (std::isnan(x(i, j))) return j;
  int64_t best = 0;
  for (int64_t j = 1; j < x.columns; ++j)
    if (x(i, j) > x(i, best)) best = j;
  return best;
}

std::vector<Expected> evaluate(const ReduceSpec& s, const Values& in) {
  std::vector<Expected> out(2);
  const Matrix& x = in[0];
  const bool by_row = s.kind == Reduction::row_sum || s.kind == Reduction::argmax;
  const int64_t rows = by_row ? s.m : 1, columns = s.kind == Reduction::column_sum ? s.n : 1;
  out[1] = matrix_of(rows, columns);
  std::vector<Term> sums(size_t(rows * columns));
  for (int64_t i = 0; i < s.m; ++i) {
    for (int64_t j = 0; j < s.n; ++j) {
      const Real v = x(i, j);
      const size_t element = s.kind == Reduction::column_sum ? size_t(j) : by_row ? size_t(i) : 0;
      sums[element] += Term::of(s.kind == Reduction::sum_squares ? v * v : v);
    }
  }
  for (int64_t e = 0; e < rows * columns; ++e) {
    Term& sum = sums[size_t(e)];
    if (s.kind == Reduction::argmax) sum = Term::of(Real(argmax(x, e)));
    if (s.accumulate) sum += Term::of(in[1].values[size_t(e)]);
    put(out[1], e / columns, e % columns, sum);
  }
  return out;
}

std::vector<Expected> evaluate(const ClipSpec& s, const Values& in) {
  std::vector<Expected> out(2);
  out[1] = matrix_of(1, 1);
  const Real ratio = s.limit / (std::sqrt(Real(in[0](0, 0))) + 1e-6L);
  put(out[1], 0, 0, Term::of(ratio > 1 ? 1 : ratio));
  return out;
}

std::vector<Expected> evaluate(const ScaleSpec& s, const Values& in) {
  std::vector<Expected> out(4);
  out[3] = matrix_of(s.m, s.n);
  for (int64_t i = 0; i < s.m; ++i)
    for (int64_t j = 0; j < s.n; ++j) {
      const Real shifted = s.offset ? Real(in[0](i, j)) - in[1](0, j) : Real(in[0](i, j));
      put(out[3], i, j, Term::of(shifted * in[2](0, j)));
    }
  return out;
}

// ---- update

struct Moments {
  Term parameter, first, second;
};

/// A gradient squared: where its terms cancel, the square inherits the error.
Term squared(const Term& g) { return {g.value * g.value, g.magnitude * g.magnitude}; }

Term blend(Real beta, Real old, const Term& fresh) {
  Term result = Term::of(beta * old);
  return result += fresh.times(1 - beta);
}

/// d / (sqrt(v) + epsilon): errors of v enter by half, in proportion to v.
Term divide_by_root(const Term& d, const Term& v, Real epsilon, Real correction_error) {
  const Real root = std::sqrt(v.value) + epsilon;
  const Real spread = (v.value > 0 ? v.magnitude / v.value : 1) + correction_error;
  return {d.value / root, d.magnitude / root * (1 + spread)};
}

Moments step(const UpdateSpec& s, Real w, Real gradient, Real first, Real second, Real rate, Real t) {
  const bool adamw = s.kind == UpdateKind::adamw;
  Term parameter = Term::of(w), g = Term::of(gradient), m{first, 0}, v{second, 0}, direction;
  if (adamw) parameter += Term::of(-rate * s.weight_decay * w);
  if (!adamw && s.weight_decay != 0) g += Term::of(s.weight_decay * w);
  switch (s.kind) {
    case UpdateKind::sgd:
      direction = g;
      if (s.momentum == 0) break;
      m = Term::of(s.momentum * first);
      direction = m += g;
      if (s.nesterov) direction = g, direction += m.times(s.momentum);
      break;
    case UpdateKind::adam:
    case UpdateKind::adamw: {
      m = blend(s.beta1, first, g);
      v = blend(s.beta2, second, squared(g));
      const Real c1 = 1 - std::pow(Real(s.beta1), t), c2 = 1 - std::pow(Real(s.beta2), t);
      // 1 - beta^t loses the leading bits that cancel. In double: nothing that f32 could see.
      const Real cancelled = ((1 - c1) / c1 + (1 - c2) / c2) * (0x1p-53L / unit_roundoff(s.dtype));
      direction = divide_by_root(m.times(1 / c1), v.times(1 / c2), s.epsilon, cancelled);
      break;
    }
    case UpdateKind::rmsprop:
      v = blend(s.beta2, second, squared(g));
      direction = divide_by_root(g, v, s.epsilon, 0);
      if (s.momentum == 0) break;
      m = Term::of(s.momentum * first);
      direction = m += direction;
      break;
    case UpdateKind::adagrad:
      v = Term::of(second);
      v += squared(g);
      direction = divide_by_root(g, v, s.epsilon, 0);
      break;
  }
  return {parameter += direction.times(-rate), m, v};
}

std::vector<Expected> evaluate(const UpdateSpec& s, const Values& in) {
  std::vector<Expected> out(7);
  out[0] = matrix_of(s.m, s.n);
  if (s.has_first()) out[2] = matrix_of(s.m, s.n);
  if (s.has_second()) out[3] = matrix_of(s.m, s.n);
  const Real scale = in[6].present ? Real(in[6](0, 0)) : 1, t = in[5].present ? Real(in[5](0, 0)) : 1;
  for (int64_t i = 0; i < s.m; ++i) {
    for (int64_t j = 0; j < s.n; ++j) {
      auto old = [&](size_t slot) { return in[slot].present ? Real(in[slot](i, j)) : 0; };
      const Moments result = step(s, old(0), old(1) * scale, old(2), old(3), in[4](0, 0), t);
      put(out[0], i, j, result.parameter);
      if (s.has_first()) put(out[2], i, j, result.first);
      if (s.has_second()) put(out[3], i, j, result.second);
    }
  }
  return out;
}

}  // namespace

long double activation_value(Activation kind, double alpha, long double x) { return activation(kind, alpha, x); }

std::vector<Expected> evaluate(const Spec& spec, const Values& inputs) {
  return std::visit([&](const auto& s) { return evaluate(s, inputs); }, spec);
}

}  // namespace plexus::conformance

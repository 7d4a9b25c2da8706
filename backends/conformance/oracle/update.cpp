#include <algorithm>

#include "plexus/backends/conformance/bounds.h"
#include "plexus/backends/conformance/oracle/term.h"

namespace plexus::conformance {
namespace {

struct Moments {
  Term parameter, first, second;
};

/// A gradient squared: where its terms cancel, the square inherits the error.
Term squared(const Term& g) { return {g.value * g.value, g.magnitude * g.magnitude}; }

Term blend(Real beta, Real old, const Term& fresh) {
  Term result = Term::of(beta * old);
  return result += fresh.times(1 - beta);
}

/// The square root of a term: half of its relative error.
Term root_of(const Term& v) {
  const Real root = std::sqrt(v.value);
  return {root, v.value > 0 ? root * (1 + v.magnitude / v.value) : root};
}

/// d / (sqrt(v) + epsilon): errors of v enter by half, in proportion to v.
Term divide_by_root(const Term& d, const Term& v, Real epsilon, Real correction_error) {
  const Real root = std::sqrt(v.value) + epsilon;
  const Real spread = (v.value > 0 ? v.magnitude / v.value : 1) + correction_error;
  return {d.value / root, d.magnitude / root * (1 + spread)};
}

/// mu of NAdam.
Real nadam_momentum(const UpdateSpec& s, Real t) {
  return s.beta1 * (1 - std::pow(Real(0.96L), t * s.momentum_decay) / 2);
}

/// The product of all mu up to that of step t.
Real nadam_product(const UpdateSpec& s, Real t) {
  Real product = 1;
  if (s.kind == UpdateKind::nadam)
    for (Real i = 1; i <= t; i++) product *= nadam_momentum(s, i);
  return product;
}

/// `product`: of nadam_product(s, t).
Moments step(const UpdateSpec& s, Real w, Real gradient, Real first, Real second, Real rate, Real t,
             Real product) {
  const bool adamw = s.kind == UpdateKind::adamw;
  Term parameter = Term::of(w), g = Term::of(gradient), m{first, 0}, v{second, 0}, direction;
  if (s.clip_value > 0 && std::fabs(g.value) > s.clip_value)
    g.value = std::copysign(Real(s.clip_value), g.value);
  if (s.l1 > 0) g += Term::of(w > 0 ? s.l1 : w < 0 ? -s.l1 : 0);
  if (s.l2 > 0) g += Term::of(2 * Real(s.l2) * w);
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
    case UpdateKind::adamax: {
      m = blend(s.beta1, first, g);
      Term fresh = Term::of(std::fabs(g.value));
      fresh.magnitude = g.magnitude;
      fresh += Term::of(s.epsilon);
      // Where both are close the other one may be taken, with its errors.
      v = Term::of(s.beta2 * second);
      const auto larger = [](Real a, Real b) { return a > b || std::isnan(a) ? a : b; };  // NaN stays
      v = {larger(v.value, fresh.value), larger(v.magnitude, fresh.magnitude)};
      const Real c1 = 1 - std::pow(Real(s.beta1), t);
      const Real cancelled = (1 - c1) / c1 * (0x1p-53L / unit_roundoff(s.dtype));
      const Term top = m.times(1 / c1);
      direction = {top.value / v.value, top.magnitude / v.value * (1 + v.magnitude / v.value + cancelled)};
      break;
    }
    case UpdateKind::nadam: {
      m = blend(s.beta1, first, g);
      v = blend(s.beta2, second, squared(g));
      const Real next = nadam_momentum(s, t + 1);
      const Real c1 = 1 - product, c2 = 1 - std::pow(Real(s.beta2), t);
      Term top = m.times(next / (1 - product * next));
      top += g.times((1 - nadam_momentum(s, t)) / c1);
      const Real cancelled = (product / c1 + (1 - c2) / c2) * (0x1p-53L / unit_roundoff(s.dtype));
      direction = divide_by_root(top, v.times(1 / c2), s.epsilon, cancelled);
      break;
    }
    case UpdateKind::radam: {
      m = blend(s.beta1, first, g);
      v = blend(s.beta2, second, squared(g));
      const Real c1 = 1 - std::pow(Real(s.beta1), t), c2 = 1 - std::pow(Real(s.beta2), t);
      direction = m.times(1 / c1);
      const Real longest = 2 / (1 - Real(s.beta2)) - 1, length = longest - 2 * t * (1 - c2) / c2;
      if (!(length > 5)) break;
      const Real rectified =
          std::sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length) * c2);
      // The length is what is left of two numbers of the size of `longest`, one of them divided by 1 -
      // beta2^t.
      const Real cancelled =
          ((1 - c1) / c1 + (1 - c2) / c2 + longest / c2 / (length - 4)) * (0x1p-53L / unit_roundoff(s.dtype));
      direction = divide_by_root(direction.times(rectified), v, s.epsilon, cancelled);
      break;
    }
    case UpdateKind::adadelta: {
      v = blend(s.beta2, second, squared(g));
      Term before = Term::of(first), now = v;
      const Term top = root_of(before += Term::of(s.epsilon)), below = root_of(now += Term::of(s.epsilon));
      const Real ratio = top.value / below.value;
      direction = {g.value * ratio,
                   g.magnitude * ratio * (top.magnitude / top.value + below.magnitude / below.value)};
      m = blend(s.beta2, first, squared(direction));
      break;
    }
    case UpdateKind::adagrad:
      v = Term::of(second);
      v += squared(g);
      direction = divide_by_root(g, v, s.epsilon, 0);
      break;
  }
  return {parameter += direction.times(-rate), m, v};
}

}  // namespace

std::vector<Expected> evaluate(const UpdateSpec& s, const Values& in) {
  std::vector<Expected> out(7);
  out[0] = matrix_of(s.m, s.n);
  if (s.has_first()) out[2] = matrix_of(s.m, s.n);
  if (s.has_second()) out[3] = matrix_of(s.m, s.n);
  const Real scale = in[6].present ? Real(in[6](0, 0)) : 1, t = in[5].present ? Real(in[5](0, 0)) : 1;
  const Real product = nadam_product(s, t);
  for (int64_t i = 0; i < s.m; ++i) {
    for (int64_t j = 0; j < s.n; ++j) {
      auto old = [&](size_t slot) { return in[slot].present ? Real(in[slot](i, j)) : 0; };
      const Moments result = step(s, old(0), old(1) * scale, old(2), old(3), in[4](0, 0), t, product);
      put(out[0], i, j, result.parameter);
      if (s.has_first()) put(out[2], i, j, result.first);
      if (s.has_second()) put(out[3], i, j, result.second);
    }
  }
  return out;
}

std::vector<Expected> evaluate(const MaxNormSpec& s, const Values& in) {
  std::vector<Expected> out(1);
  out[0] = matrix_of(s.m, s.n);
  for (int64_t j = 0; j < s.n; ++j) {
    Real squares = 0;
    for (int64_t i = 0; i < s.m; ++i) squares += Real(in[0](i, j)) * Real(in[0](i, j));
    const Real norm = std::sqrt(squares);
    for (int64_t i = 0; i < s.m; ++i)
      put(out[0], i, j, Term::of(norm > s.limit ? in[0](i, j) * s.limit / (norm + 1e-7L) : in[0](i, j)));
  }
  return out;
}

}  // namespace plexus::conformance

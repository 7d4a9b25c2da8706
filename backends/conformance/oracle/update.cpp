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

}  // namespace

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

}  // namespace plexus::conformance

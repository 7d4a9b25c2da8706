#include "plexus/backends/simd/targets.h"
// Before Highway, whose targets it names.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plexus/backends/simd/update_loops.cpp"
#include <hwy/foreach_target.h>

#include <type_traits>

#include "plexus/backends/simd/math-inl.h"
#include "plexus/backends/simd/tile-inl.h"
#include "plexus/backends/simd/update_loops.h"

HWY_BEFORE_NAMESPACE();
namespace plexus::simd {
namespace HWY_NAMESPACE {
namespace {

/// The parameter becomes step(parameter, gradient, first state, second state), which changes the states that Step says it has.
/// All that is decided is decided before the loop, and the addresses are held here: what the loop stores could be a part of `s`.
template <class Step>
class Sweep {
 public:
  HWY_INLINE Sweep(const UpdateRule& rule, const UpdateStretch& s) : step_(rule), parameter_(s.parameter), first_(s.first), second_(s.second) {}

  /// Asks for the line at i of all that is written.
  HWY_INLINE void fetch(int64_t i) const {
    fetch_to_write(parameter_ + i);
    if constexpr (Step::has_first) fetch_to_write(first_ + i);
    if constexpr (Step::has_second) fetch_to_write(second_ + i);
  }
  /// Elements [i, i + lanes).
  HWY_INLINE void run(int64_t i, V gradient) const {
    V first = zero(), second = zero();
    if constexpr (Step::has_first) first = load(first_ + i);
    if constexpr (Step::has_second) second = load(second_ + i);
    store(step_(load(parameter_ + i), gradient, first, second), parameter_ + i);
    if constexpr (Step::has_first) store(first, first_ + i);
    if constexpr (Step::has_second) store(second, second_ + i);
  }
  /// Elements [i, i + count), fewer.
  HWY_INLINE void run_some(int64_t i, V gradient, int64_t count) const {
    V first = zero(), second = zero();
    if constexpr (Step::has_first) first = load_some(first_ + i, count);
    if constexpr (Step::has_second) second = load_some(second_ + i, count);
    store_some(step_(load_some(parameter_ + i, count), gradient, first, second), parameter_ + i, count);
    if constexpr (Step::has_first) store_some(first, first_ + i, count);
    if constexpr (Step::has_second) store_some(second, second_ + i, count);
  }

 private:
  const Step step_;
  float *const parameter_, *const first_, *const second_;
};

template <class Step>
void sweep(const UpdateRule& rule, const UpdateStretch& s) {
  const Sweep<Step> at(rule, s);
  const float* const gradient = s.gradient;
  const int64_t count = s.count;
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) at.run(i, load(gradient + i));
  if (i < count) at.run_some(i, load_some(gradient + i, count - i), count - i);
}

/// What becomes of a tile of the gradient: it is used up where it is, in registers.
template <class Step>
struct ToStep {
  const Sweep<Step> held;
  const Sweep<Step>* sweep = &held;

  /// The constants of the step wait in memory until a tile is made: GCC would give them registers that the sums need.
  explicit HWY_INLINE ToStep(const Sweep<Step>& at) : held(at) { asm("" : "+r"(sweep) : "m"(held)); }
  ToStep(const ToStep&) = delete;
  HWY_INLINE void fetch(int64_t i) const { sweep->fetch(i); }
  template <int rows, int vectors>
  HWY_INLINE void take(int64_t row, int64_t column, Edge, const V (&gradient)[rows][vectors]) const {
    const Sweep<Step> at = *sweep;  // held here: what is stored could be a part of it
    PLEXUS_UNROLL for (int r = 0; r < rows; r++)
      PLEXUS_UNROLL for (int v = 0; v < vectors; v++) at.run((row + r) * panel + column + v * lanes, gradient[r][v]);
  }
};

/// Rows of a panel whose elements have one product each, of a batch of one: tiles would be all beginning and end.
template <class Step>
void step_products(const UpdateRule& rule, const UpdateStretch& s, const GradientFactors& f) {
  const Sweep<Step> at(rule, s);
  const float *const left = f.left, *const right = f.right;
  const int64_t rows = s.count / panel;
  for (int64_t row = 0; row < rows; row++)
    PLEXUS_UNROLL for (int64_t v = 0; v < panel; v += lanes) at.run(row * panel + v, fma(set(left[row]), load(right + v), zero()));
}

/// Rows of a panel, tile by tile: each is used up before the next is made.
template <class Step>
void step_tiles(const UpdateRule& rule, const UpdateStretch& s, const GradientFactors& f) {
  if (f.depth == 1) return step_products<Step>(rule, s, f);
  const ToStep<Step> steps(Sweep<Step>(rule, s));
  MatmulBlock block;
  block.columns = panel;
  block.depth = f.depth;
  block.a = f.left;
  block.a_pieces = f.left_pieces;
  block.a_stride = f.left_stride;
  const float* const b = f.right;
  const int64_t b_stride = f.right_stride;
  int64_t row = 0, left = s.count / panel;
  const auto while_there_are = [&]<int rows>(std::integral_constant<int, rows>) HWY_ATTR {
    for (; left >= rows; left -= rows, row += rows)
      for (int64_t column = 0; column < panel; column += 2 * lanes)
        tile<rows, 2, true, Besides::fetching>(block, b, b_stride, row, column, steps);
  };
  // The rows of pieces.
  while_there_are(std::integral_constant<int, most_rows>());
  while_there_are(std::integral_constant<int, 4>());
  while_there_are(std::integral_constant<int, 2>());
  while_there_are(std::integral_constant<int, 1>());
}

/// The gradient as steps take it: scaled, with the decay of the parameter.
struct PlainGradient {
  V scale, decay;
  explicit PlainGradient(const UpdateRule& rule) : scale(set(rule.scale)), decay(set(rule.weight_decay)) {}
  HWY_INLINE V operator()(V w, V gradient) const { return fma(decay, w, mul(gradient, scale)); }
};

/// Clipped and with the l1 penalty too.
struct PenalizedGradient {
  V scale, decay, l1;
  float limit;
  bool lasso;
  explicit PenalizedGradient(const UpdateRule& rule)
      : scale(set(rule.scale)), decay(set(rule.weight_decay)), l1(set(rule.l1)), limit(rule.clip_value), lasso(rule.l1 > 0) {}
  HWY_INLINE V operator()(V w, V gradient) const {
    V g = mul(gradient, scale);
    if (limit > 0) g = at_least(at_most(g, limit), -limit);
    if (lasso) g = add(g, hn::IfThenElseZero(hn::Ne(w, zero()), hn::CopySign(l1, w)));
    return fma(decay, w, g);
  }
};

// Formulas: core/spec/update.h. Each takes the parameter, the gradient and the states, which it changes; `has_first` and
// `has_second` say which states there are.
template <class Gradient, bool with_momentum>
struct SgdStep {
  static constexpr bool has_first = with_momentum, has_second = false;
  Gradient gradient_of;
  V rate, momentum;
  bool nesterov;
  explicit SgdStep(const UpdateRule& rule)
      : gradient_of(rule), rate(set(rule.rate)), momentum(set(rule.momentum)),
        nesterov(rule.nesterov) {}
  HWY_INLINE V operator()(V w, V gradient, V& first, V&) const {
    const V g = gradient_of(w, gradient);
    if (!with_momentum) return fnma(rate, g, w);
    first = fma(momentum, first, g);
    return fnma(rate, nesterov ? fma(momentum, first, g) : first, w);
  }
};

template <class Gradient, bool decoupled>
struct AdamStep {
  static constexpr bool has_first = true, has_second = true;
  Gradient gradient_of;
  V rate, shrink, beta1, fresh1, beta2, fresh2, root_scale, epsilon;
  explicit AdamStep(const UpdateRule& rule)
      : gradient_of(rule), rate(set(rule.rate)), shrink(set(rule.shrink)), beta1(set(rule.beta1)), fresh1(set(rule.fresh1)),
        beta2(set(rule.beta2)), fresh2(set(rule.fresh2)), root_scale(set(rule.root_scale)), epsilon(set(rule.epsilon)) {}
  HWY_INLINE V operator()(V w, V gradient, V& first, V& second) const {
    const V g = gradient_of(w, gradient);
    first = fma(beta1, first, mul(fresh1, g));
    second = fma(beta2, second, mul(mul(fresh2, g), g));
    const V direction = hn::Div(first, fma(hn::Sqrt(second), root_scale, epsilon));
    return fnma(rate, direction, decoupled ? fnma(shrink, w, w) : w);
  }
};

template <class Gradient, bool with_momentum>
struct RmsPropStep {
  static constexpr bool has_first = with_momentum, has_second = true;
  Gradient gradient_of;
  V rate, momentum, beta2, fresh2, epsilon;
  explicit RmsPropStep(const UpdateRule& rule)
      : gradient_of(rule), rate(set(rule.rate)), momentum(set(rule.momentum)), beta2(set(rule.beta2)),
        fresh2(set(rule.fresh2)), epsilon(set(rule.epsilon)) {}
  HWY_INLINE V operator()(V w, V gradient, V& first, V& second) const {
    const V g = gradient_of(w, gradient);
    second = fma(beta2, second, mul(mul(fresh2, g), g));
    const V direction = hn::Div(g, add(hn::Sqrt(second), epsilon));
    if (!with_momentum) return fnma(rate, direction, w);
    first = fma(momentum, first, direction);
    return fnma(rate, first, w);
  }
};

template <class Gradient>
struct AdagradStep {
  static constexpr bool has_first = false, has_second = true;
  Gradient gradient_of;
  V rate, epsilon;
  explicit AdagradStep(const UpdateRule& rule)
      : gradient_of(rule), rate(set(rule.rate)), epsilon(set(rule.epsilon)) {}
  HWY_INLINE V operator()(V w, V gradient, V&, V& second) const {
    const V g = gradient_of(w, gradient);
    second = fma(g, g, second);
    return fnma(rate, hn::Div(g, add(hn::Sqrt(second), epsilon)), w);
  }
};

template <class Gradient>
struct AdamaxStep {
  static constexpr bool has_first = true, has_second = true;
  Gradient gradient_of;
  V rate, beta1, fresh1, beta2, epsilon;
  explicit AdamaxStep(const UpdateRule& rule)
      : gradient_of(rule), rate(set(rule.rate)), beta1(set(rule.beta1)), fresh1(set(rule.fresh1)),
        beta2(set(rule.beta2)), epsilon(set(rule.epsilon)) {}
  HWY_INLINE V operator()(V w, V gradient, V& first, V& second) const {
    const V g = gradient_of(w, gradient);
    first = fma(beta1, first, mul(fresh1, g));
    const V decayed = mul(beta2, second), fresh = add(hn::Abs(g), epsilon);
    second = select(hn::Or(hn::Gt(decayed, fresh), hn::IsNaN(decayed)), decayed, fresh);
    return fnma(rate, hn::Div(first, second), w);
  }
};

template <class Gradient>
struct NadamStep {
  static constexpr bool has_first = true, has_second = true;
  Gradient gradient_of;
  V rate, gradient_rate, beta1, fresh1, beta2, fresh2, root_scale, epsilon;
  explicit NadamStep(const UpdateRule& rule)
      : gradient_of(rule), rate(set(rule.rate)), gradient_rate(set(rule.gradient_rate)),
        beta1(set(rule.beta1)), fresh1(set(rule.fresh1)), beta2(set(rule.beta2)), fresh2(set(rule.fresh2)),
        root_scale(set(rule.root_scale)), epsilon(set(rule.epsilon)) {}
  HWY_INLINE V operator()(V w, V gradient, V& first, V& second) const {
    const V g = gradient_of(w, gradient);
    first = fma(beta1, first, mul(fresh1, g));
    second = fma(beta2, second, mul(mul(fresh2, g), g));
    const V step = fma(rate, first, mul(gradient_rate, g));
    return sub(w, hn::Div(step, fma(hn::Sqrt(second), root_scale, epsilon)));
  }
};

template <class Gradient>
struct RadamStep {
  static constexpr bool has_first = true, has_second = true;
  Gradient gradient_of;
  V rate, beta1, fresh1, beta2, fresh2, epsilon;
  bool adaptive;
  explicit RadamStep(const UpdateRule& rule)
      : gradient_of(rule), rate(set(rule.rate)), beta1(set(rule.beta1)), fresh1(set(rule.fresh1)),
        beta2(set(rule.beta2)), fresh2(set(rule.fresh2)), epsilon(set(rule.epsilon)), adaptive(rule.adaptive) {}
  HWY_INLINE V operator()(V w, V gradient, V& first, V& second) const {
    const V g = gradient_of(w, gradient);
    first = fma(beta1, first, mul(fresh1, g));
    second = fma(beta2, second, mul(mul(fresh2, g), g));
    return fnma(rate, adaptive ? hn::Div(first, add(hn::Sqrt(second), epsilon)) : first, w);
  }
};

template <class Gradient>
struct AdadeltaStep {
  static constexpr bool has_first = true, has_second = true;
  Gradient gradient_of;
  V rate, beta2, fresh2, epsilon;
  explicit AdadeltaStep(const UpdateRule& rule)
      : gradient_of(rule), rate(set(rule.rate)), beta2(set(rule.beta2)), fresh2(set(rule.fresh2)),
        epsilon(set(rule.epsilon)) {}
  HWY_INLINE V operator()(V w, V gradient, V& first, V& second) const {
    const V g = gradient_of(w, gradient);
    second = fma(beta2, second, mul(mul(fresh2, g), g));
    const V step = mul(g, hn::Div(hn::Sqrt(add(first, epsilon)), hn::Sqrt(add(second, epsilon))));
    first = fma(beta2, first, mul(mul(fresh2, step), step));
    return fnma(rate, step, w);
  }
};

template <template <class Gradient> class Step>
void update(const UpdateRule& rule, const UpdateStretch& s) {
  rule.clip_value > 0 || rule.l1 > 0 ? sweep<Step<PenalizedGradient>>(rule, s) : sweep<Step<PlainGradient>>(rule, s);
}

template <class Gradient> using SgdWithMomentum = SgdStep<Gradient, true>;
template <class Gradient> using SgdWithout = SgdStep<Gradient, false>;
template <class Gradient> using Adam = AdamStep<Gradient, false>;
template <class Gradient> using AdamW = AdamStep<Gradient, true>;
template <class Gradient> using RmsPropWithMomentum = RmsPropStep<Gradient, true>;
template <class Gradient> using RmsPropWithout = RmsPropStep<Gradient, false>;

/// Where there may be a state for momentum, and may be none.
template <template <class Gradient> class With, template <class Gradient> class Without>
void update(const UpdateRule& rule, const UpdateStretch& s) {
  s.first ? update<With>(rule, s) : update<Without>(rule, s);
}

template <template <class Gradient> class With, template <class Gradient> class Without>
void step_tiles(const UpdateRule& rule, const UpdateStretch& s, const GradientFactors& f) {
  s.first ? step_tiles<With<PlainGradient>>(rule, s, f) : step_tiles<Without<PlainGradient>>(rule, s, f);
}

// In the order of the enumeration.
const UpdateLoops loops = {
    {update<SgdWithMomentum, SgdWithout>, update<Adam>, update<AdamW>, update<RmsPropWithMomentum, RmsPropWithout>, update<AdagradStep>,
     update<AdamaxStep>, update<NadamStep>, update<RadamStep>, update<AdadeltaStep>},
#if HWY_TARGET == HWY_SCALAR
    {},  // it would be code for each element of a tile
#else
    {step_tiles<SgdWithMomentum, SgdWithout>, step_tiles<Adam<PlainGradient>>, step_tiles<AdamW<PlainGradient>>,
     step_tiles<RmsPropWithMomentum, RmsPropWithout>, step_tiles<AdagradStep<PlainGradient>>, step_tiles<AdamaxStep<PlainGradient>>,
     step_tiles<NadamStep<PlainGradient>>, step_tiles<RadamStep<PlainGradient>>, step_tiles<AdadeltaStep<PlainGradient>>},
#endif
};

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace plexus::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plexus::simd {
const UpdateLoops& update_loops(Isa isa) { return *PLEXUS_SIMD_TABLE(isa, loops); }
}  // namespace plexus::simd
#endif

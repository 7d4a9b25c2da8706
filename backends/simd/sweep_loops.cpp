#include "plexus/backends/simd/targets.h"
// Before Highway, whose targets it names.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plexus/backends/simd/sweep_loops.cpp"
#include <hwy/foreach_target.h>

#include "plexus/backends/simd/math-inl.h"
#include "plexus/backends/simd/sweep_loops.h"

HWY_BEFORE_NAMESPACE();
namespace plexus::simd {
namespace HWY_NAMESPACE {
namespace {

void scale(const float* x, const float* offset, const float* factor, float* y, int64_t rows, int64_t columns) {
  for (int64_t row = 0; row < rows; row++, x += columns, y += columns) {
    int64_t j = 0;
    for (; j + lanes <= columns; j += lanes)
      store(mul(sub(load(x + j), offset ? load(offset + j) : zero()), load(factor + j)), y + j);
    if (const int64_t rest = columns - j; rest > 0) {
      const V shifted = sub(load_some(x + j, rest), offset ? load_some(offset + j, rest) : zero());
      store_some(mul(shifted, load_some(factor + j, rest)), y + j, rest);
    }
  }
}

#if HWY_TARGET == HWY_SCALAR

/// Words of the stream for positions [first, first + 4 * blocks).
HWY_INLINE void random_words(uint64_t seed, uint32_t stream, uint32_t step, int64_t first_block, int64_t blocks, uint32_t* words) {
  const RandomStream random(seed, Purpose::dropout, stream, step);
  for (int64_t b = 0; b < blocks; b++) {
    const auto block = random.block(uint64_t(first_block + b));
    for (int w = 0; w < 4; w++) words[4 * b + w] = block[size_t(w)];
  }
}
constexpr int64_t blocks_at_once = 1;

#else

using W = hn::ScalableTag<uint64_t>;
using Words = hn::Vec<W>;
constexpr int64_t blocks_at_once = HWY_LANES(uint64_t);

/// The product of the lower halves of 64-bit lanes.
HWY_INLINE Words product(Words a, Words b) {
  const hn::Repartition<uint32_t, W> narrow;
  return hn::MulEven(hn::BitCast(narrow, a), hn::BitCast(narrow, b));
}

/// Philox 4x32-10 (core/random.h), a block a 64-bit lane: words of the blocks [first_block, first_block + blocks_at_once).
HWY_INLINE void random_words(uint64_t seed, uint32_t stream, uint32_t step, int64_t first_block, int64_t, uint32_t* words) {
  const W w;
  const Words low = hn::Set(w, 0xffffffffu), m0 = hn::Set(w, 0xD2511F53u), m1 = hn::Set(w, 0xCD9E8D57u);
  const Words block = hn::Add(hn::Iota(w, 0), hn::Set(w, uint64_t(first_block)));
  const uint64_t name = uint64_t(Purpose::dropout) << 56 | uint64_t(stream & 0xffffff) << 32 | step;
  Words c0 = hn::And(block, low), c1 = hn::ShiftRight<32>(block), c2 = hn::Set(w, name & 0xffffffffu),
        c3 = hn::Set(w, name >> 32);
  uint32_t k0 = uint32_t(seed), k1 = uint32_t(seed >> 32);
  for (int round = 0; round < 10; round++) {
    const Words p0 = product(c0, m0), p1 = product(c2, m1);
    c0 = hn::Xor(hn::Xor(hn::ShiftRight<32>(p1), c1), hn::Set(w, k0));
    c1 = hn::And(p1, low);
    c2 = hn::Xor(hn::Xor(hn::ShiftRight<32>(p0), c3), hn::Set(w, k1));
    c3 = hn::And(p0, low);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  const Words first = hn::Or(c0, hn::ShiftLeft<32>(c1)), second = hn::Or(c2, hn::ShiftLeft<32>(c3));
  hn::StoreInterleaved2(first, second, w, reinterpret_cast<uint64_t*>(words));
}

#endif

void dropout(const float* x, float* y, int64_t first, int64_t count, uint64_t seed, uint32_t stream, uint32_t step,
             float rate) {
  constexpr int64_t at_once = 4 * blocks_at_once;
  const V threshold = set(rate), kept = set(float(1 / (1 - double(rate))));
  const hn::RebindToUnsigned<F> unsigned_lanes;
  HWY_ALIGN uint32_t words[at_once];
  for (int64_t i = 0; i < count; i += at_once) {
    random_words(seed, stream, step, (first + i) / 4, blocks_at_once, words);
    for (int64_t j = 0; j < at_once && i + j < count; j += lanes) {
      const auto bits = hn::ShiftRight<8>(hn::Load(unsigned_lanes, words + j));
      const V uniform = mul(hn::ConvertTo(F(), hn::BitCast(I(), bits)), set(0x1p-24f));
      const Mask keep = hn::Ge(uniform, threshold);
      const int64_t rest = count - i - j;
      if (rest >= lanes)
        store(hn::IfThenElseZero(keep, mul(load(x + i + j), kept)), y + i + j);
      else
        store_some(hn::IfThenElseZero(keep, mul(load_some(x + i + j, rest), kept)), y + i + j, rest);
    }
  }
}

/// `vectors` vectors of columns at once: as many chains hide the latency of an addition.
template <int vectors>
HWY_INLINE void column_sums(const float* x, int64_t stride, int64_t rows, bool accumulate, float* y) {
  V sum[vectors];
  for (int v = 0; v < vectors; v++) sum[v] = accumulate ? load(y + v * lanes) : zero();
  for (int64_t i = 0; i < rows; i++, x += stride)
    for (int v = 0; v < vectors; v++) sum[v] = add(sum[v], load(x + v * lanes));
  for (int v = 0; v < vectors; v++) store(sum[v], y + v * lanes);
}

void column_sum(const float* x, int64_t stride, int64_t rows, int64_t columns, bool accumulate, float* y) {
  int64_t j = 0;
  for (; j + 4 * lanes <= columns; j += 4 * lanes) column_sums<4>(x + j, stride, rows, accumulate, y + j);
  for (; j + lanes <= columns; j += lanes) column_sums<1>(x + j, stride, rows, accumulate, y + j);
  if (const int64_t rest = columns - j; rest > 0) {
    V sum = accumulate ? load_some(y + j, rest) : zero();
    for (int64_t i = 0; i < rows; i++) sum = add(sum, load_some(x + i * stride + j, rest));
    store_some(sum, y + j, rest);
  }
}

float row_sum(const float* x, int64_t n) {
  using Sum = FixedSum<64>;  // four chains of AVX-512
  Sum sum;
  int64_t i = 0;
  for (; i + 64 <= n; i += 64)
    for (int p = 0; p < Sum::parts; p++) sum.add(p * lanes, load(x + i + p * lanes));
  for (; i + lanes <= n; i += lanes) sum.add(i, load(x + i));
  if (i < n) sum.add(i, load_some(x + i, n - i));
  return sum.total();
}

/// The lowest index of the largest element, or of the first NaN.
int32_t argmax(const float* x, int64_t n) {
  // The largest of each lane; a NaN stays where it came first.
  V top = set(x[0]);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const V v = load(x + i);
    top = select(hn::Or(hn::Gt(v, top), hn::IsNaN(v)), v, top);
  }
  HWY_ALIGN float lane[lanes];
  hn::Store(top, F(), lane);
  float best = x[0];
  bool nan = best != best;
  for (int l = 0; l < lanes; l++) {
    nan |= lane[l] != lane[l];
    best = lane[l] > best ? lane[l] : best;
  }
  for (; i < n; i++) {
    nan |= x[i] != x[i];
    best = x[i] > best ? x[i] : best;
  }
  for (int64_t j = 0; j < n; j++)
    if (nan ? x[j] != x[j] : x[j] == best) return int32_t(j);
  return 0;
}

void add_squares(const float* x, int64_t columns, double* places) {
  int64_t j = 0;
  for (; j + 16 <= columns; j += 16)
    for (int64_t place = 0; place < 16; place++) places[place] += double(x[j + place]) * double(x[j + place]);
  for (int64_t place = 0; j < columns; j++, place++) places[place] += double(x[j]) * double(x[j]);
}

/// The parameter becomes step(parameter, gradient, first state, second state), which changes the states that Step says it has.
/// All that is decided is decided before the loop, and the addresses are held here: what the loop stores could be a part of `s`.
template <class Step>
HWY_INLINE void sweep(const UpdateStretch& s) {
  const Step step(s);
  float *const parameter = s.parameter, *const firsts = s.first, *const seconds = s.second;
  const float* const gradients = s.gradient;
  const int64_t count = s.count;
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    V first = zero(), second = zero();
    if constexpr (Step::has_first) first = load(firsts + i);
    if constexpr (Step::has_second) second = load(seconds + i);
    store(step(load(parameter + i), load(gradients + i), first, second), parameter + i);
    if constexpr (Step::has_first) store(first, firsts + i);
    if constexpr (Step::has_second) store(second, seconds + i);
  }
  if (const int64_t rest = count - i; rest > 0) {
    V first = zero(), second = zero();
    if constexpr (Step::has_first) first = load_some(firsts + i, rest);
    if constexpr (Step::has_second) second = load_some(seconds + i, rest);
    store_some(step(load_some(parameter + i, rest), load_some(gradients + i, rest), first, second), parameter + i, rest);
    if constexpr (Step::has_first) store_some(first, firsts + i, rest);
    if constexpr (Step::has_second) store_some(second, seconds + i, rest);
  }
}

/// The gradient as steps take it: scaled, with the decay of the parameter.
struct PlainGradient {
  V scale, decay;
  explicit PlainGradient(const UpdateStretch& s) : scale(set(s.scale)), decay(set(s.weight_decay)) {}
  HWY_INLINE V operator()(V w, V gradient) const { return fma(decay, w, mul(gradient, scale)); }
};

/// Clipped and with the l1 penalty too.
struct PenalizedGradient {
  V scale, decay, l1;
  float limit;
  bool lasso;
  explicit PenalizedGradient(const UpdateStretch& s)
      : scale(set(s.scale)), decay(set(s.weight_decay)), l1(set(s.l1)), limit(s.clip_value), lasso(s.l1 > 0) {}
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
  explicit SgdStep(const UpdateStretch& s)
      : gradient_of(s), rate(set(s.rate)), momentum(set(s.momentum)),
        nesterov(s.nesterov) {}
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
  explicit AdamStep(const UpdateStretch& s)
      : gradient_of(s), rate(set(s.rate)), shrink(set(s.shrink)), beta1(set(s.beta1)), fresh1(set(s.fresh1)),
        beta2(set(s.beta2)), fresh2(set(s.fresh2)), root_scale(set(s.root_scale)), epsilon(set(s.epsilon)) {}
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
  explicit RmsPropStep(const UpdateStretch& s)
      : gradient_of(s), rate(set(s.rate)), momentum(set(s.momentum)), beta2(set(s.beta2)),
        fresh2(set(s.fresh2)), epsilon(set(s.epsilon)) {}
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
  explicit AdagradStep(const UpdateStretch& s)
      : gradient_of(s), rate(set(s.rate)), epsilon(set(s.epsilon)) {}
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
  explicit AdamaxStep(const UpdateStretch& s)
      : gradient_of(s), rate(set(s.rate)), beta1(set(s.beta1)), fresh1(set(s.fresh1)),
        beta2(set(s.beta2)), epsilon(set(s.epsilon)) {}
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
  explicit NadamStep(const UpdateStretch& s)
      : gradient_of(s), rate(set(s.rate)), gradient_rate(set(s.gradient_rate)),
        beta1(set(s.beta1)), fresh1(set(s.fresh1)), beta2(set(s.beta2)), fresh2(set(s.fresh2)),
        root_scale(set(s.root_scale)), epsilon(set(s.epsilon)) {}
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
  explicit RadamStep(const UpdateStretch& s)
      : gradient_of(s), rate(set(s.rate)), beta1(set(s.beta1)), fresh1(set(s.fresh1)),
        beta2(set(s.beta2)), fresh2(set(s.fresh2)), epsilon(set(s.epsilon)), adaptive(s.adaptive) {}
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
  explicit AdadeltaStep(const UpdateStretch& s)
      : gradient_of(s), rate(set(s.rate)), beta2(set(s.beta2)), fresh2(set(s.fresh2)),
        epsilon(set(s.epsilon)) {}
  HWY_INLINE V operator()(V w, V gradient, V& first, V& second) const {
    const V g = gradient_of(w, gradient);
    second = fma(beta2, second, mul(mul(fresh2, g), g));
    const V step = mul(g, hn::Div(hn::Sqrt(add(first, epsilon)), hn::Sqrt(add(second, epsilon))));
    first = fma(beta2, first, mul(mul(fresh2, step), step));
    return fnma(rate, step, w);
  }
};

template <template <class Gradient> class Step>
void update(const UpdateStretch& s) {
  if (s.clip_value > 0 || s.l1 > 0)
    sweep<Step<PenalizedGradient>>(s);
  else
    sweep<Step<PlainGradient>>(s);
}

template <class Gradient> using SgdWithMomentum = SgdStep<Gradient, true>;
template <class Gradient> using SgdWithout = SgdStep<Gradient, false>;
template <class Gradient> using Adam = AdamStep<Gradient, false>;
template <class Gradient> using AdamW = AdamStep<Gradient, true>;
template <class Gradient> using RmsPropWithMomentum = RmsPropStep<Gradient, true>;
template <class Gradient> using RmsPropWithout = RmsPropStep<Gradient, false>;

/// Where there may be a state for momentum, and may be none.
template <template <class Gradient> class With, template <class Gradient> class Without>
void update(const UpdateStretch& s) {
  s.first ? update<With>(s) : update<Without>(s);
}

const SweepLoops loops = {
    scale, dropout, column_sum, row_sum, argmax, add_squares,
    // In the order of the enumeration.
    {update<SgdWithMomentum, SgdWithout>, update<Adam>, update<AdamW>, update<RmsPropWithMomentum, RmsPropWithout>, update<AdagradStep>,
     update<AdamaxStep>, update<NadamStep>, update<RadamStep>, update<AdadeltaStep>}};

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace plexus::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plexus::simd {
const SweepLoops& sweep_loops(Isa isa) { return *PLEXUS_SIMD_TABLE(isa, loops); }
}  // namespace plexus::simd
#endif

#include "plexus/backends/simd/targets.h"
// Before Highway, whose targets it names.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plexus/backends/simd/activation_loops.cpp"
#include <hwy/foreach_target.h>

#include "plexus/backends/simd/activation_loops.h"
#include "plexus/backends/simd/softmax-inl.h"

HWY_BEFORE_NAMESPACE();
namespace plexus::simd {
namespace HWY_NAMESPACE {
namespace {

// Klambauer et al. 2017.
constexpr float selu_scale = 1.0507009873554804934193349852946f;
constexpr float selu_scaled_alpha = 1.7580993408473768599402175208123f;  // scale * alpha

// gelu_tanh is x sigmoid(2u), 2u = x (slope + cubic x^2): 2 sqrt(2/pi), and 0.044715 times it (Hendrycks, Gimpel 2016).
constexpr float gelu_slope = 1.5957691216057307117597842397375f;
constexpr float gelu_cubic = 0.0713548162726f;

// One struct a function: y of x.
struct Relu {
  V operator()(V x) const { return positive_part(x); }
};
struct LeakyRelu {
  V alpha;
  V operator()(V x) const { return select(hn::Lt(x, zero()), mul(x, alpha), x); }
};
struct Elu {
  V alpha;
  V operator()(V x) const {
    const V negative = mul(alpha, expm1_negative(at_most(x, 0)));
    return select(hn::Gt(x, zero()), x, negative);
  }
};
struct Selu {
  V operator()(V x) const {
    const V negative = mul(set(selu_scaled_alpha), expm1_negative(at_most(x, 0)));
    return select(hn::Gt(x, zero()), mul(x, set(selu_scale)), negative);
  }
};
struct Gelu {
  V operator()(V x) const { return damped(x, normal(x).below); }
};
struct GeluTanh {
  V operator()(V x) const {
    return times_sigmoid(x, mul(x, fma(mul(x, x), set(gelu_cubic), set(gelu_slope))));
  }
};
struct Silu {
  V operator()(V x) const { return times_sigmoid(x, x); }
};
struct SigmoidValue {
  V operator()(V x) const { return sigmoid(x); }
};
struct Tanh {
  V operator()(V x) const { return tanh(x); }
};
struct Softplus {
  V operator()(V x) const { return softplus(x); }
};

// And dx of (dy, saved).
struct ReluGradient {
  V operator()(V dy, V y) const { return relu_gradient(dy, y); }
};
struct LeakyReluGradient {
  V alpha;
  V operator()(V dy, V y) const {
    const V slanted = select(hn::Le(y, zero()), mul(alpha, dy), y);
    return select(hn::Gt(y, zero()), dy, slanted);
  }
};
struct EluGradient {
  V alpha;
  V operator()(V dy, V y) const { return select(hn::Gt(y, zero()), dy, mul(dy, add(y, alpha))); }
};
struct SeluGradient {
  V operator()(V dy, V y) const {
    return mul(dy, select(hn::Gt(y, zero()), set(selu_scale), add(y, set(selu_scaled_alpha))));
  }
};
struct GeluGradient {
  V operator()(V dy, V x) const {
    const Normal n = normal(x);
    return mul(dy, add(n.below, damped(x, n.density)));
  }
};
struct GeluTanhGradient {
  V operator()(V dy, V x) const {
    const V square = mul(x, x);
    const Sigmoid s = wide_sigmoid(mul(x, fma(square, set(gelu_cubic), set(gelu_slope))));
    const V argument_slope = fma(square, set(3 * gelu_cubic), set(gelu_slope));
    return times_wide(dy, add(s.value, damped(mul(x, argument_slope), s.slope)));
  }
};
struct SiluGradient {
  V operator()(V dy, V x) const {
    const Sigmoid s = wide_sigmoid(x);
    return times_wide(dy, add(s.value, damped(x, s.slope)));
  }
};
struct SigmoidGradient {
  V operator()(V dy, V y) const { return mul(mul(dy, y), sub(set(1), y)); }
};
struct TanhGradient {
  V operator()(V dy, V y) const { return mul(mul(dy, sub(set(1), y)), add(set(1), y)); }
};
struct SoftplusGradient {
  V operator()(V dy, V x) const { return times_wide(dy, wide_sigmoid(x).value); }
};

/// One that has alpha, or has not.
template <class Function>
HWY_INLINE Function make(float alpha) {
  if constexpr (std::is_empty_v<Function>)
    return {};
  else
    return {set(alpha)};
}

template <class Function>
void forward(const ActivationBlock& b) {
  const Function f = make<Function>(b.alpha);
  for (int64_t row = 0; row < b.rows; row++) {
    const float* x = b.x + row * b.x_stride;
    float* y = b.y + row * b.y_stride;
    int64_t i = 0;
    for (; i + lanes <= b.columns; i += lanes) store(f(load(x + i)), y + i);
    if (i < b.columns) store_some(f(load_some(x + i, b.columns - i)), y + i, b.columns - i);
  }
}

template <class Function>
void backward(const ActivationGradientBlock& b) {
  const Function f = make<Function>(b.alpha);
  for (int64_t row = 0; row < b.rows; row++) {
    const float *dy = b.dy + row * b.dy_stride, *saved = b.saved + row * b.saved_stride;
    float* dx = b.dx + row * b.dx_stride;
    int64_t i = 0;
    for (; i + lanes <= b.columns; i += lanes) store(f(load(dy + i), load(saved + i)), dx + i);
    if (const int64_t rest = b.columns - i; rest > 0)
      store_some(f(load_some(dy + i, rest), load_some(saved + i, rest)), dx + i, rest);
  }
}

void softmax_forward(const ActivationBlock& b) {
  for (int64_t row = 0; row < b.rows; row++) {
    float* y = b.y + row * b.y_stride;
    const RowSoftmax softmax = row_softmax(b.x + row * b.x_stride, b.columns, y);
    const V inverse = set(1 / softmax.sum);
    int64_t i = 0;
    for (; i + lanes <= b.columns; i += lanes) store(mul(load(y + i), inverse), y + i);
    if (const int64_t rest = b.columns - i; rest > 0) store_some(mul(load_some(y + i, rest), inverse), y + i, rest);
  }
}

void log_softmax_forward(const ActivationBlock& b) {
  for (int64_t row = 0; row < b.rows; row++) {
    const float* x = b.x + row * b.x_stride;
    float* y = b.y + row * b.y_stride;
    const RowSoftmax softmax = row_softmax(x, b.columns, nullptr);
    const V largest = set(softmax.largest), log_sum = set(softmax.log_sum);
    int64_t i = 0;
    for (; i + lanes <= b.columns; i += lanes) store(sub(sub(load(x + i), largest), log_sum), y + i);
    if (const int64_t rest = b.columns - i; rest > 0)
      store_some(sub(sub(load_some(x + i, rest), largest), log_sum), y + i, rest);
  }
}

/// Sum over a row of dy, or of dy saved.
template <bool weighted>
HWY_INLINE float gradient_sum(const float* dy, const float* saved, int64_t n) {
  FixedSum<16> sum;
  const auto add_vector = [&sum](int64_t i, V d, V s) HWY_ATTR {
    if constexpr (weighted)
      sum.add_product(i, d, s);
    else
      sum.add(i, d);
  };
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) add_vector(i, load(dy + i), load(saved + i));
  if (i < n) add_vector(i, load_some(dy + i, n - i), load_some(saved + i, n - i));
  return sum.total();
}

void softmax_backward(const ActivationGradientBlock& b) {
  for (int64_t row = 0; row < b.rows; row++) {
    const float *dy = b.dy + row * b.dy_stride, *y = b.saved + row * b.saved_stride;
    float* dx = b.dx + row * b.dx_stride;
    const V mean = set(gradient_sum<true>(dy, y, b.columns));
    int64_t i = 0;
    for (; i + lanes <= b.columns; i += lanes) store(mul(load(y + i), sub(load(dy + i), mean)), dx + i);
    if (const int64_t rest = b.columns - i; rest > 0)
      store_some(mul(load_some(y + i, rest), sub(load_some(dy + i, rest), mean)), dx + i, rest);
  }
}

void log_softmax_backward(const ActivationGradientBlock& b) {
  for (int64_t row = 0; row < b.rows; row++) {
    const float *dy = b.dy + row * b.dy_stride, *y = b.saved + row * b.saved_stride;
    float* dx = b.dx + row * b.dx_stride;
    const V sum = set(gradient_sum<false>(dy, y, b.columns));
    int64_t i = 0;
    for (; i + lanes <= b.columns; i += lanes) store(fnma(exp(load(y + i)), sum, load(dy + i)), dx + i);
    if (const int64_t rest = b.columns - i; rest > 0)
      store_some(fnma(exp(load_some(y + i, rest)), sum, load_some(dy + i, rest)), dx + i, rest);
  }
}

// In the order of the enumeration.
const ActivationLoops loops = {
    {forward<Relu>, forward<LeakyRelu>, forward<Elu>, forward<Selu>, forward<Gelu>, forward<GeluTanh>, forward<Silu>,
     forward<SigmoidValue>, forward<Tanh>, forward<Softplus>, softmax_forward, log_softmax_forward},
    {backward<ReluGradient>, backward<LeakyReluGradient>, backward<EluGradient>, backward<SeluGradient>,
     backward<GeluGradient>, backward<GeluTanhGradient>, backward<SiluGradient>, backward<SigmoidGradient>,
     backward<TanhGradient>, backward<SoftplusGradient>, softmax_backward, log_softmax_backward},
};

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace plexus::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plexus::simd {
const ActivationLoops& activation_loops(Isa isa) { return *PLEXUS_SIMD_TABLE(isa, loops); }
}  // namespace plexus::simd
#endif

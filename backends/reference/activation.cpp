// Activations and their gradients. The functions of one element come first, in double; what follows only
// walks arrays.
#include <algorithm>
#include <cmath>

#include "plexus/backends/reference/kernel.h"
#include "plexus/backends/reference/softmax.h"

namespace plexus::reference {
namespace {

// Klambauer, Unterthiner, Mayr, Hochreiter: "Self-normalizing neural networks", 2017: mean 0 and variance 1
// stay fixed.
constexpr double selu_scale = 1.0507009873554804934193349852946;
constexpr double selu_alpha = 1.6732632423543772848170429916717;

constexpr double sqrt_half = 0.70710678118654752440;         // sqrt(1/2)
constexpr double inverse_sqrt_2pi = 0.39894228040143267794;  // 1 / sqrt(2 pi)
constexpr double sqrt_2_over_pi = 0.79788456080286535588;    // sqrt(2/pi)
constexpr double gelu_cubic = 0.044715;                      // Hendrycks, Gimpel 2016

/// x * factor, where the factor falls faster than x grows: 0 in the limit, also where x is infinite.
double damped(double x, double factor) { return factor == 0 ? 0 : x * factor; }

/// Both branches take the exponential of a negative number: no overflow, and small results keep their digits.
double sigmoid(double x) {
  if (x >= 0) return 1 / (1 + std::exp(-x));
  const double e = std::exp(x);
  return e / (1 + e);
}

double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

/// Comparisons with NaN are false: a NaN falls through to the last branch, which returns it.
double relu(double x) { return x > 0 ? x : x <= 0 ? 0 : x; }

double elu(double x, double alpha) { return x > 0 ? x : alpha * std::expm1(x); }

/// Probability that a standard normal variable is below x. erfc keeps the digits of the lower tail, where 1 +
/// erf cancels.
double normal_cdf(double x) { return 0.5 * std::erfc(-x * sqrt_half); }

/// gelu_tanh is x/2 (1 + tanh(u)) = x sigmoid(2u); this is 2u, which does not cancel below 0, and its slope.
double gelu_argument(double x) { return 2 * sqrt_2_over_pi * (x + gelu_cubic * x * x * x); }
double gelu_argument_slope(double x) { return 2 * sqrt_2_over_pi * (1 + 3 * gelu_cubic * x * x); }

/// Gradients through functions of y. Selected, not multiplied by 0 or 1: an infinite dy times 0 would be NaN.
double relu_gradient(double dy, double y) { return y > 0 ? dy : y <= 0 ? 0 : y; }
double leaky_relu_gradient(double dy, double y, double alpha) { return y > 0 ? dy : y <= 0 ? alpha * dy : y; }
double elu_gradient(double dy, double y, double alpha) { return y > 0 ? dy : dy * (y + alpha); }

double gelu_slope(double x) { return normal_cdf(x) + damped(x, inverse_sqrt_2pi * std::exp(-0.5 * x * x)); }
double gelu_tanh_slope(double x) {
  const double u = gelu_argument(x);
  return sigmoid(u) + damped(x * gelu_argument_slope(x), sigmoid(u) * sigmoid(-u));
}
double silu_slope(double x) { return sigmoid(x) + damped(x, sigmoid(x) * sigmoid(-x)); }

constexpr double element_ns = 5;  // between a relu (1) and a gelu (15)

/// y[i] = f(i) for all i < count.
template <class T, class F>
void for_elements(int64_t count, T* y, const Executor& executor, F f) {
  executor.parallel_for(count, grain(element_ns), [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; i++) y[i] = T(f(i));
  });
}

/// f(row) for all rows.
template <class F>
void for_rows(int64_t rows, int64_t columns, const Executor& executor, F f) {
  executor.parallel_for(rows, grain(element_ns * double(columns)), [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; row++) f(row);
  });
}

template <class T>
void activation(const ActivationSpec& spec, const ActivationSpec::Args& args, const Resources& resources) {
  const auto* x = static_cast<const T*>(args.x);
  auto* y = static_cast<T*>(args.y);
  const int64_t n = spec.n;
  const double alpha = spec.alpha;
  const auto elements = [&](auto f) {
    for_elements(spec.m * n, y, resources.executor, [&](int64_t i) { return f(double(x[i])); });
  };
  const auto rows = [&](auto f) { for_rows(spec.m, n, resources.executor, f); };

  switch (spec.kind) {
    case Activation::relu:
      return elements(relu);
    case Activation::leaky_relu:
      return elements([&](double v) { return v < 0 ? alpha * v : v; });
    case Activation::elu:
      return elements([&](double v) { return elu(v, alpha); });
    case Activation::selu:
      return elements([](double v) { return selu_scale * elu(v, selu_alpha); });
    case Activation::gelu:
      return elements([](double v) { return damped(v, normal_cdf(v)); });
    case Activation::gelu_tanh:
      return elements([](double v) { return damped(v, sigmoid(gelu_argument(v))); });
    case Activation::silu:
      return elements([](double v) { return damped(v, sigmoid(v)); });
    case Activation::sigmoid:
      return elements(sigmoid);
    case Activation::tanh:
      return elements([](double v) { return std::tanh(v); });
    case Activation::softplus:
      return elements(softplus);
    case Activation::softmax:
      return rows([&](int64_t row) {
        const RowSoftmax softmax(x + row * n, n);
        for (int64_t i = row * n; i < (row + 1) * n; i++) y[i] = T(softmax.probability(double(x[i])));
      });
    case Activation::log_softmax:
      return rows([&](int64_t row) {
        const RowSoftmax softmax(x + row * n, n);
        for (int64_t i = row * n; i < (row + 1) * n; i++) y[i] = T(softmax.log_probability(double(x[i])));
      });
  }
}

template <class T>
void activation_gradient(const ActivationGradientSpec& spec, const ActivationGradientSpec::Args& args,
                         const Resources& resources) {
  const auto* dy = static_cast<const T*>(args.dy);
  const auto* saved = static_cast<const T*>(args.saved);
  auto* dx = static_cast<T*>(args.dx);
  const int64_t n = spec.n;
  const double alpha = spec.alpha;
  const auto elements = [&](auto f) {
    for_elements(spec.m * n, dx, resources.executor,
                 [&](int64_t i) { return f(double(dy[i]), double(saved[i])); });
  };
  const auto rows = [&](auto f) { for_rows(spec.m, n, resources.executor, f); };

  switch (spec.kind) {
    case Activation::relu:
      return elements(relu_gradient);
    case Activation::leaky_relu:
      return elements([&](double d, double y) { return leaky_relu_gradient(d, y, alpha); });
    case Activation::elu:
      return elements([&](double d, double y) { return elu_gradient(d, y, alpha); });
    case Activation::selu:
      return elements([](double d, double y) {
        return y > 0 ? selu_scale * d : elu_gradient(d, y, selu_scale * selu_alpha);
      });
    case Activation::gelu:
      return elements([](double d, double x) { return d * gelu_slope(x); });
    case Activation::gelu_tanh:
      return elements([](double d, double x) { return d * gelu_tanh_slope(x); });
    case Activation::silu:
      return elements([](double d, double x) { return d * silu_slope(x); });
    case Activation::sigmoid:
      return elements([](double d, double y) { return d * y * (1 - y); });
    case Activation::tanh:
      return elements([](double d, double y) { return d * (1 - y) * (1 + y); });
    case Activation::softplus:
      return elements([](double d, double x) { return d * sigmoid(x); });
    case Activation::softmax:
      return rows([&](int64_t row) {
        double mean = 0;  // of dy, weighted by the probabilities
        for (int64_t i = row * n; i < (row + 1) * n; i++) mean += double(dy[i]) * double(saved[i]);
        for (int64_t i = row * n; i < (row + 1) * n; i++)
          dx[i] = T(double(saved[i]) * (double(dy[i]) - mean));
      });
    case Activation::log_softmax:
      return rows([&](int64_t row) {
        double sum = 0;
        for (int64_t i = row * n; i < (row + 1) * n; i++) sum += double(dy[i]);
        for (int64_t i = row * n; i < (row + 1) * n; i++)
          dx[i] = T(double(dy[i]) - std::exp(double(saved[i])) * sum);
      });
  }
}

}  // namespace

KernelPointer make_kernel(const ActivationSpec& spec, const Executor& executor) {
  return typed_kernel(spec, spec.dtype, executor, activation<float>, activation<double>);
}

KernelPointer make_kernel(const ActivationGradientSpec& spec, const Executor& executor) {
  return typed_kernel(spec, spec.dtype, executor, activation_gradient<float>, activation_gradient<double>);
}

}  // namespace plexus::reference

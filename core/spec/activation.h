// Activations, element by element or (softmax, log-softmax) over rows.
#pragma once
#include "plexus/core/spec/operand.h"
#include "plexus/export.h"

namespace plexus {

/// relu max(x,0); leaky_relu x<0: alpha x; elu x<0: alpha (e^x - 1); selu (Klambauer 2017, fixed constants);
/// gelu x Phi(x) by erf; gelu_tanh its tanh approximation (Hendrycks, Gimpel 2016); silu x sigmoid(x);
/// sigmoid; tanh; softplus ln(1 + e^x); softmax and log_softmax over each row.
enum class Activation : uint8_t {
  relu, leaky_relu, elu, selu, gelu, gelu_tanh, silu, sigmoid, tanh, softplus, softmax, log_softmax
};
inline constexpr int activation_count = 12;

PLEXUS_EXPORT std::string to_string(Activation kind);

/// True where the gradient is computed from the activation's result y; false where from its argument x
/// (gelu, gelu_tanh, silu: no inverse; softplus: y loses the small slopes).
constexpr bool gradient_from_result(Activation kind) {
  return kind != Activation::gelu && kind != Activation::gelu_tanh && kind != Activation::silu &&
         kind != Activation::softplus;
}
/// True where alpha means something.
constexpr bool has_alpha(Activation kind) { return kind == Activation::leaky_relu || kind == Activation::elu; }

/// y = f(x), m rows of n.
struct ActivationSpec {
  Activation kind = Activation::relu;
  int64_t m = 0, n = 0;
  double alpha = 0;              ///< leaky_relu: slope below 0, in [0, 1]; elu: limit, > 0; otherwise unused and 0
  Batch batch = Batch::m;
  DType dtype = DType::f32;

  struct Args {
    const void* x = nullptr;
    void* y = nullptr;
  };
  static constexpr const char* family = "activation";
  static constexpr Slot slots[] = {{"x", Access::in}, {"y", Access::out}};
  PLEXUS_EXPORT Operand operand(size_t slot) const;
  PLEXUS_EXPORT void validate() const;
  PLEXUS_EXPORT std::string to_string() const;
  bool operator==(const ActivationSpec&) const = default;
};

/// dx = dy f'(x), m rows of n; `saved` is y where gradient_from_result(kind), else x.
struct ActivationGradientSpec {
  Activation kind = Activation::relu;
  int64_t m = 0, n = 0;
  double alpha = 0;
  Batch batch = Batch::m;
  DType dtype = DType::f32;

  struct Args {
    const void* dy = nullptr;
    const void* saved = nullptr;
    void* dx = nullptr;
  };
  static constexpr const char* family = "activation";
  static constexpr Slot slots[] = {{"dy", Access::in}, {"saved", Access::in}, {"dx", Access::out}};
  PLEXUS_EXPORT Operand operand(size_t slot) const;
  PLEXUS_EXPORT void validate() const;
  PLEXUS_EXPORT std::string to_string() const;
  bool operator==(const ActivationGradientSpec&) const = default;
};

}  // namespace plexus

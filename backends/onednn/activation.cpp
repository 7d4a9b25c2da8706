// Activations and their gradients, softmax and log-softmax among them.
#include <optional>

#include "plexus/backends/onednn/kernel.h"

namespace plexus::onednn {
namespace {

using dnnl::algorithm;

/// A function of one element, and the algorithm of its gradient.
struct Eltwise {
  algorithm forward, backward;
  bool from_result;  ///< the gradient reads y, not x
  float alpha = 0;
};

std::optional<Eltwise> eltwise_of(uint8_t kind, double alpha) {
  switch (kind) {
    case PLEXUS_RELU:
      return Eltwise{algorithm::eltwise_relu, algorithm::eltwise_relu_use_dst_for_bwd, true};
    case PLEXUS_LEAKY_RELU:
      return Eltwise{algorithm::eltwise_relu, algorithm::eltwise_relu_use_dst_for_bwd, true, float(alpha)};
    case PLEXUS_ELU:
      return Eltwise{algorithm::eltwise_elu, algorithm::eltwise_elu_use_dst_for_bwd, true, float(alpha)};
    case PLEXUS_GELU:
      return Eltwise{algorithm::eltwise_gelu_erf, algorithm::eltwise_gelu_erf, false};
    case PLEXUS_GELU_TANH:
      return Eltwise{algorithm::eltwise_gelu_tanh, algorithm::eltwise_gelu_tanh, false};
    case PLEXUS_SILU:
      return Eltwise{algorithm::eltwise_swish, algorithm::eltwise_swish, false, 1};
    case PLEXUS_SIGMOID:
      return Eltwise{algorithm::eltwise_logistic, algorithm::eltwise_logistic_use_dst_for_bwd, true};
    case PLEXUS_TANH:
      return Eltwise{algorithm::eltwise_tanh, algorithm::eltwise_tanh_use_dst_for_bwd, true};
    case PLEXUS_SOFTPLUS:
      return Eltwise{algorithm::eltwise_soft_relu, algorithm::eltwise_soft_relu, false, 1};
    default:  // selu would be two primitives: elu, and a scaling
      return std::nullopt;
  }
}

std::optional<algorithm> softmax_of(uint8_t kind) {
  if (kind == PLEXUS_SOFTMAX) return algorithm::softmax_accurate;
  if (kind == PLEXUS_LOG_SOFTMAX) return algorithm::softmax_log;
  return std::nullopt;
}

/// oneDNN's logarithm (2.6.3, AVX-512) is off by up to 8e-6 next to 0: softplus(-10) comes out below 0, the
/// log of probability 1 above. That is more than a backend may deviate by; their gradients take no logarithm.
bool takes_logarithm(uint8_t kind) { return kind == PLEXUS_SOFTPLUS || kind == PLEXUS_LOG_SOFTMAX; }

Primitive forward(const plexus_activation& spec, int64_t rows) {
  if (const auto function = softmax_of(spec.kind)) {
    const Descriptor x = matrix(rows, spec.n, spec.n);
    return {softmax(*function, x, attributes()), {{DNNL_ARG_SRC, x}, {DNNL_ARG_DST, x}}};
  }
  const auto function = eltwise_of(spec.kind, spec.alpha).value();
  const Descriptor x = vector(rows * spec.n);
  return {eltwise(function.forward, x, function.alpha, attributes()), {{DNNL_ARG_SRC, x}, {DNNL_ARG_DST, x}}};
}

Primitive backward(const plexus_activation_gradient& spec, int64_t rows) {
  const auto operands = [](int saved, const Descriptor& x) -> std::vector<Operand> {
    return {{DNNL_ARG_DIFF_DST, x}, {saved, x}, {DNNL_ARG_DIFF_SRC, x}};
  };
  if (const auto function = softmax_of(spec.kind)) {
    const Descriptor x = matrix(rows, spec.n, spec.n);
    return {softmax_gradient(*function, x, attributes()), operands(DNNL_ARG_DST, x)};
  }
  const auto function = eltwise_of(spec.kind, spec.alpha).value();
  const Descriptor x = vector(rows * spec.n);
  return {eltwise_gradient(function.backward, x, function.alpha, attributes()),
          operands(function.from_result ? DNNL_ARG_DST : DNNL_ARG_SRC, x)};
}

}  // namespace

bool has(const plexus_activation& spec) {
  return !takes_logarithm(spec.kind) && (eltwise_of(spec.kind, spec.alpha) || softmax_of(spec.kind));
}
bool has(const plexus_activation_gradient& spec) {
  return eltwise_of(spec.kind, spec.alpha) || softmax_of(spec.kind);
}
bool fuses(const plexus_activation& spec) { return has(spec) && !softmax_of(spec.kind); }

void append(dnnl::post_ops& post, const plexus_activation& activation) {
  const auto function = eltwise_of(activation.kind, activation.alpha).value();
  append_eltwise(post, function.forward, function.alpha, 0);
}

KernelPointer make_kernel(const plexus_activation& spec, const Setting& setting) {
  return row_kernel(setting, {{PLEXUS_ACTIVATION_X, spec.n}, {PLEXUS_ACTIVATION_Y, spec.n}},
                    [&](int64_t rows) { return forward(spec, rows); });
}

KernelPointer make_kernel(const plexus_activation_gradient& spec, const Setting& setting) {
  return row_kernel(
      setting, {{PLEXUS_GRADIENT_DY, spec.n}, {PLEXUS_GRADIENT_SAVED, spec.n}, {PLEXUS_GRADIENT_DX, spec.n}},
      [&](int64_t rows) { return backward(spec, rows); });
}

}  // namespace plexus::onednn

#include "plexus/core/spec/activation.h"

#include <cmath>

#include "plexus/core/spec/line.h"

namespace plexus {
namespace {

template <class S>
void validate_activation(const S& spec) {
  spec::require(spec, int(spec.kind) < activation_count, "unknown activation");
  spec::require_size(spec, "m", spec.m);
  spec::require_size(spec, "n", spec.n);
  spec::require_row_batch(spec);
  spec::require_floating(spec, spec.dtype);
  if (spec.kind == Activation::leaky_relu)
    spec::require(spec, spec.alpha >= 0 && spec.alpha <= 1, "alpha must lie in [0, 1]");
  else if (spec.kind == Activation::elu)
    spec::require(spec, spec.alpha > 0 && std::isfinite(spec.alpha), "alpha must be above 0");
  else if (spec.alpha != 0)
    spec::require(spec, false, "alpha " + spec::number(spec.alpha) + " has no meaning here, must be 0");
  spec::require_countable(spec);
}

template <class S>
std::string line(const S& spec, bool gradient) {
  spec::Line line("activation");
  line.word(to_string(spec.kind)).flag("gradient", gradient).word(to_string(spec.dtype));
  line.dimension("m", spec.m, spec.batch == Batch::m).dimension("n", spec.n);
  if (has_alpha(spec.kind)) line.value("alpha", spec.alpha);
  return line.string();
}

template <class S>
Operand rows_operand(const S& spec, size_t slot) {
  return {.dtype = spec.dtype,
          .rows = spec.m,
          .columns = spec.n,
          .stride = spec.n,
          .batch = spec.batch == Batch::m,
          .access = S::slots[slot].access};
}

}  // namespace

std::string to_string(Activation kind) {
  switch (kind) {
    case Activation::relu:
      return "relu";
    case Activation::leaky_relu:
      return "leaky_relu";
    case Activation::elu:
      return "elu";
    case Activation::selu:
      return "selu";
    case Activation::gelu:
      return "gelu";
    case Activation::gelu_tanh:
      return "gelu_tanh";
    case Activation::silu:
      return "silu";
    case Activation::sigmoid:
      return "sigmoid";
    case Activation::tanh:
      return "tanh";
    case Activation::softplus:
      return "softplus";
    case Activation::softmax:
      return "softmax";
    case Activation::log_softmax:
      return "log_softmax";
  }
  return "unknown";
}

Operand ActivationSpec::operand(size_t slot) const { return rows_operand(*this, slot); }
void ActivationSpec::validate() const { validate_activation(*this); }
std::string ActivationSpec::to_string() const { return line(*this, false); }

Operand ActivationGradientSpec::operand(size_t slot) const { return rows_operand(*this, slot); }
void ActivationGradientSpec::validate() const { validate_activation(*this); }
std::string ActivationGradientSpec::to_string() const { return line(*this, true); }

}  // namespace plexus

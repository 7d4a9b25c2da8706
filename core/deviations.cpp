#include "plexus/core/deviations.h"

#include <algorithm>

#include "plexus/core/spec/line.h"

namespace plexus {
namespace {

using Rows = uint32_t;

template <class... Row>
constexpr Rows rows(Row... row) {
  return (Rows(row) | ...);
}

// What concerns every family.
constexpr Rows everywhere =
    rows(Semantics::non_finite, Semantics::denormals, Semantics::thread_bits, Semantics::fused_bits);

template <class S>
constexpr bool by_rows(const S& spec) {
  return spec.kind == Activation::softmax || spec.kind == Activation::log_softmax;
}

Rows rows_of(const MatmulSpec& spec) { return spec.accumulate ? rows(Semantics::accumulate_chain) : 0; }
Rows rows_of(const ActivationSpec& spec) {
  return by_rows(spec) ? rows(Semantics::softmax_non_finite)
                       : rows(Semantics::activation_nan, Semantics::activation_infinity);
}
Rows rows_of(const ActivationGradientSpec& spec) {
  return by_rows(spec)
             ? rows(Semantics::softmax_non_finite)
             : rows(Semantics::gradient_nan, Semantics::gradient_at_zero, Semantics::activation_infinity);
}
Rows rows_of(const LossSpec&) { return rows(Semantics::loss_non_finite); }
Rows rows_of(const ReduceSpec& spec) {
  return spec.kind == Reduction::argmax ? rows(Semantics::argmax_ties, Semantics::argmax_nan) : 0;
}
template <class S>
Rows rows_of(const S&) {
  return 0;
}

}  // namespace

std::string to_string(Semantics row) {
  switch (row) {
    case Semantics::activation_nan:
      return "NaN into an activation may come out as a number";
    case Semantics::gradient_nan:
      return "NaN that an activation saved may not reach its gradient";
    case Semantics::gradient_at_zero:
      return "the gradient of relu and its relatives at 0 is another";
    case Semantics::non_finite:
      return "infinities, NaN and overflow may have another class";
    case Semantics::denormals:
      return "denormal numbers may be flushed to zero";
    case Semantics::argmax_ties:
      return "argmax of ties need not be the lowest index";
    case Semantics::argmax_nan:
      return "argmax need not be the first NaN";
    case Semantics::softmax_non_finite:
      return "softmax of rows with infinities or NaN may differ";
    case Semantics::loss_non_finite:
      return "losses of infinite or NaN logits may differ";
    case Semantics::accumulate_chain:
      return "an accumulated product is added at the end";
    case Semantics::thread_bits:
      return "bits may depend on the number of threads";
    case Semantics::fused_bits:
      return "fused kernels may have other bits than their parts";
    case Semantics::activation_infinity:
      return "an infinity into an activation or its gradient may come out as NaN";
  }
  return "unknown";
}

Deviations Deviations::of(const Spec& spec) const {
  Deviations result;
  result.rows = rows & (everywhere | std::visit([](const auto& s) { return rows_of(s); }, spec));
  if (std::holds_alternative<ActivationSpec>(spec) || std::holds_alternative<ActivationGradientSpec>(spec)) {
    result.elementwise_relative = elementwise_relative;
    result.elementwise_absolute = elementwise_absolute;
  }
  return result;
}

void Deviations::add(const Deviations& other) {
  rows |= other.rows;
  elementwise_relative = std::max(elementwise_relative, other.elementwise_relative);
  elementwise_absolute = std::max(elementwise_absolute, other.elementwise_absolute);
}

std::string Deviations::describe() const {
  std::string text;
  for (int bit = 0; bit < semantics_count; bit++)
    if (const auto row = Semantics(1u << bit); has(row)) text += (text.empty() ? "" : "; ") + to_string(row);
  if (elementwise_relative > 0 || elementwise_absolute > 0)
    text += (text.empty() ? "" : "; ") + std::string("activations within ") +
            spec::number(elementwise_relative) + " relative + " + spec::number(elementwise_absolute) +
            " absolute";
  return text;
}

}  // namespace plexus

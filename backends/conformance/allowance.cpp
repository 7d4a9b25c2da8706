#include "plexus/backends/conformance/allowance.h"

#include <algorithm>
#include <cmath>

namespace plexus::conformance {
namespace {

/// One element of an output, and what is declared about its operation.
struct Element {
  const Deviations& declared;
  const Values& inputs;
  int64_t i, j;
  double expected, actual;
};

bool row_is_finite(const Matrix& x, int64_t i) {
  for (int64_t j = 0; j < x.columns; j++)
    if (!std::isfinite(x(i, j))) return false;
  return true;
}

template <class S>
bool by_rows(const S& spec) {
  return spec.kind == Activation::softmax || spec.kind == Activation::log_softmax;
}

bool family_excuses(const ActivationSpec& spec, size_t, const Element& e) {
  const Matrix& x = e.inputs[0];
  if (by_rows(spec)) return e.declared.has(Semantics::softmax_non_finite) && !row_is_finite(x, e.i);
  const double argument = x(e.i, e.j);
  return (e.declared.has(Semantics::activation_nan) && std::isnan(argument)) ||
         (e.declared.has(Semantics::activation_infinity) && std::isinf(argument));
}

bool family_excuses(const ActivationGradientSpec& spec, size_t, const Element& e) {
  const Matrix &dy = e.inputs[0], &saved = e.inputs[1];
  if (by_rows(spec))
    return e.declared.has(Semantics::softmax_non_finite) &&
           !(row_is_finite(dy, e.i) && row_is_finite(saved, e.i));
  return (e.declared.has(Semantics::gradient_nan) && std::isnan(saved(e.i, e.j))) ||
         (e.declared.has(Semantics::gradient_at_zero) && saved(e.i, e.j) == 0) ||
         (e.declared.has(Semantics::activation_infinity) &&
          (std::isinf(saved(e.i, e.j)) || std::isinf(dy(e.i, e.j))));
}

bool family_excuses(const LossSpec& spec, size_t slot, const Element& e) {
  if (!e.declared.has(Semantics::loss_non_finite)) return false;
  const Matrix& prediction = e.inputs[0];
  if (std::string_view(LossSpec::slots[slot].name) == "gradient") return !row_is_finite(prediction, e.i);
  for (int64_t i = 0; i < spec.m; i++)
    if (!row_is_finite(prediction, i)) return true;
  return false;
}

bool family_excuses(const ReduceSpec& spec, size_t, const Element& e) {
  if (spec.kind != Reduction::argmax) return false;
  const Matrix& x = e.inputs[0];
  const auto index = int64_t(e.actual);
  if (index < 0 || index >= x.columns) return false;
  bool nan = false;
  for (int64_t j = 0; j < x.columns; j++) nan |= std::isnan(x(e.i, j));
  if (nan) return e.declared.has(Semantics::argmax_nan);
  return e.declared.has(Semantics::argmax_ties) && x(e.i, index) == x(e.i, int64_t(e.expected));
}

template <class S>
bool family_excuses(const S&, size_t, const Element&) {
  return false;
}

bool flushed(double value, DType dtype) {
  return std::fabs(value) < (dtype == DType::f32 ? 0x1p-126 : 0x1p-1022);
}

}  // namespace

bool excused(const Deviations& declared, const Spec& spec, size_t slot, const Values& inputs, int64_t i,
             int64_t j, double expected, double actual) {
  const Deviations concerning = declared.of(spec);
  if (concerning.rows == 0) return false;
  if (concerning.has(Semantics::non_finite) && !(std::isfinite(expected) && std::isfinite(actual)))
    return true;
  const DType dtype = operand(spec, slot).dtype;
  if (concerning.has(Semantics::denormals) && flushed(expected, dtype) && flushed(actual, dtype)) return true;
  const Element element{concerning, inputs, i, j, expected, actual};
  return std::visit([&](const auto& s) { return family_excuses(s, slot, element); }, spec);
}

double widened(const Deviations& declared, double bound, double expected) {
  return std::max(bound, declared.elementwise_absolute + declared.elementwise_relative * std::fabs(expected));
}

}  // namespace plexus::conformance

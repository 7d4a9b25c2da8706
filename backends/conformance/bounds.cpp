#include "plexus/backends/conformance/bounds.h"

#include <algorithm>
#include <cmath>

namespace plexus::conformance {
namespace {

constexpr bool by_rows(Activation kind) {
  return kind == Activation::softmax || kind == Activation::log_softmax;
}

/// A result rounded some times relative to what entered it, and denormals on the way.
struct Budget {
  double roundings;      ///< times unit roundoff times magnitude
  double denormals = 4;  ///< times the smallest denormal
};

/// The relative error of n roundings, whatever their order: n u / (1 - n u) (Higham 2002, lemma 3.1), in units of u.
double gamma(double n, DType dtype) { return n / (1 - n * unit_roundoff(dtype)); }

/// Rounding errors of a sum of n terms add up like a random walk: 0.3 sqrt(n) on average, 2 sqrt(n) never.
double random_walk(int64_t m, int64_t n) { return 2 * std::sqrt(double(m) * double(n)); }

// One rounding a product and one an addition; the bias and the old c are terms as well. A theorem for any order of
// summation, with fused multiply-adds or without.
Budget budget(const MatmulSpec& s, size_t, DType type) { return {gamma(double(s.k) + 2, type), double(s.k)}; }

// Softmax: ten epsilon, what oneDNN asks of itself: exp 2 ulp twice over, a sum, a division.
Budget budget(const ActivationSpec& s, size_t, DType) { return {20 + random_walk(1, s.n)}; }

// Elementwise: the slope is at most 4 ulp (8 u) away, its product with dy one more. Softmax sums a row.
Budget budget(const ActivationGradientSpec& s, size_t, DType) {
  return {by_rows(s.kind) ? 20 + random_walk(1, s.n) : 10};
}

// exp and log at 4 ulp each, weights and scale, then sums: of a row, of the batch.
Budget budget(const LossSpec& s, size_t, DType) { return {20 + random_walk(s.m, s.n)}; }

// One division; or 1 / (1 - rate) rounded, then a product.
Budget budget(const DropoutSpec&, size_t, DType) { return {3}; }

Budget budget(const ReduceSpec& s, size_t, DType type) {
  const double terms =
      s.kind == Reduction::column_sum ? double(s.m) : s.kind == Reduction::row_sum ? double(s.n) : double(s.m) * double(s.n);
  return {gamma(terms + 2, type)};
}

Budget budget(const ClipSpec&, size_t, DType) { return {6}; }   // root, addition, division, conversion
Budget budget(const ScaleSpec&, size_t, DType) { return {3}; }  // difference and product, each relative to the result
// Roundings one after another in Adam, the longest: 6 to each moment, 8 to the quotient, 2 to the parameter.
Budget budget(const UpdateSpec&, size_t, DType) { return {16}; }

// A sum of m squares, whose error the root halves; an addition, a quotient, its rounding, a product.
Budget budget(const MaxNormSpec& s, size_t, DType type) { return {gamma(double(s.m) / 2 + 6, type)}; }

/// Elementwise activations: the reference rounds once, a vectorized exp or tanh is good to 4 ulp. The magnitude is the
/// result itself, or larger where the definition cancels.
double activation_tolerance(const ActivationSpec& s, double expected, double magnitude) {
  if (s.kind == Activation::relu) return 0;
  return std::max(4 * ulp(expected, s.dtype), unit_roundoff(s.dtype) * magnitude);
}

}  // namespace

double unit_roundoff(DType dtype) {
  switch (dtype) {
    case DType::f32: return 0x1p-24;
    case DType::f64: return 0x1p-53;
    case DType::bf16: return 0x1p-8;
    case DType::i32: case DType::i64: case DType::u8: case DType::i8: break;
  }
  return 0;
}

double ulp(double value, DType dtype) {
  const double smallest = dtype == DType::f32 ? 0x1p-149 : 0x1p-1074;
  if (!std::isfinite(value) || value == 0) return smallest;
  int exponent;
  std::frexp(value, &exponent);  // |value| in [2^(exponent-1), 2^exponent)
  return std::max(std::ldexp(2 * unit_roundoff(dtype), exponent - 1), smallest);
}

double tolerance(const Spec& spec, size_t slot, double expected, double magnitude) {
  const DType type = operand(spec, slot).dtype;
  const double u = unit_roundoff(type);
  if (u == 0) return 0;  // integers
  if (const auto* s = std::get_if<ActivationSpec>(&spec))
    if (!by_rows(s->kind)) return activation_tolerance(*s, expected, magnitude);
  const Budget allowed = std::visit([&](const auto& s) { return budget(s, slot, type); }, spec);
  return allowed.roundings * u * magnitude + u * std::fabs(expected) + allowed.denormals * ulp(0, type);
}

}  // namespace plexus::conformance

// What the oracles of all families compute with, and their declarations.
#pragma once
#include <cmath>
#include <limits>

#include "plexus/backends/conformance/oracle.h"

namespace plexus::conformance {

using Real = long double;  // 64 bits of significand on x86: its own errors are far below a bound of f64

inline constexpr Real infinity = std::numeric_limits<Real>::infinity();

/// A value and what its rounding errors are in proportion to, carried together through sums and products.
struct Term {
  Real value = 0, magnitude = 0;

  static Term of(Real x) { return {x, std::fabs(x)}; }
  Term& operator+=(const Term& other) {
    value += other.value;
    magnitude += other.magnitude;
    return *this;
  }
  Term times(Real factor) const { return {value * factor, magnitude * std::fabs(factor)}; }
};

inline Expected matrix_of(int64_t rows, int64_t columns) {
  return {Matrix(rows, columns), Matrix(rows, columns)};
}

inline void put(Expected& out, int64_t i, int64_t j, const Term& term) {
  out.values(i, j) = double(term.value);
  out.magnitudes(i, j) = double(term.magnitude);
}

inline Real sigmoid(Real x) { return 1 / (1 + std::exp(-x)); }

std::vector<Expected> evaluate(const MatmulSpec& spec, const Values& inputs);
std::vector<Expected> evaluate(const ActivationSpec& spec, const Values& inputs);
std::vector<Expected> evaluate(const ActivationGradientSpec& spec, const Values& inputs);
std::vector<Expected> evaluate(const LossSpec& spec, const Values& inputs);
std::vector<Expected> evaluate(const DropoutSpec& spec, const Values& inputs);
std::vector<Expected> evaluate(const ReduceSpec& spec, const Values& inputs);
std::vector<Expected> evaluate(const ClipSpec& spec, const Values& inputs);
std::vector<Expected> evaluate(const ScaleSpec& spec, const Values& inputs);
std::vector<Expected> evaluate(const UpdateSpec& spec, const Values& inputs);
std::vector<Expected> evaluate(const MaxNormSpec& spec, const Values& inputs);

}  // namespace plexus::conformance

// Values: the operands of one operation as double, whatever type a kernel sees them in.
#pragma once
#include <cstdint>
#include <vector>

#include "plexus/core/spec/spec.h"

namespace plexus::conformance {

/// A dense matrix. Every f32, i32 and the integers up to 2^53 are exact in it.
struct Matrix {
  int64_t rows = 0, columns = 0;
  std::vector<double> values;
  bool present = false;  ///< false: the slot is unused, or its optional buffer is left out

  Matrix() = default;
  Matrix(int64_t r, int64_t c, double value = 0)
      : rows(r), columns(c), values(size_t(r * c), value), present(true) {}
  Matrix(int64_t r, int64_t c, std::vector<double> v)
      : rows(r), columns(c), values(std::move(v)), present(true) {}

  double& operator()(int64_t i, int64_t j) { return values[size_t(i * columns + j)]; }
  double operator()(int64_t i, int64_t j) const { return values[size_t(i * columns + j)]; }
};

/// One matrix a slot of the spec.
using Values = std::vector<Matrix>;

/// The spec with its batch dimension set to the true number of rows (-1: as it is), and none that varies.
Spec with_rows(const Spec& spec, int64_t rows);

/// The value that a buffer of this type holds after `value` was stored: rounded once.
double rounded(double value, DType dtype);

}  // namespace plexus::conformance

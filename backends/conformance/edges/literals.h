// What edges are written with: small matrices, numbers at the ends of a type; and the list of every family.
#pragma once
#include <cmath>
#include <limits>
#include <vector>

#include "plexus/backends/conformance/edges.h"

namespace plexus::conformance {

inline constexpr double nan = std::numeric_limits<double>::quiet_NaN();
inline constexpr double inf = std::numeric_limits<double>::infinity();

using List = std::vector<Edge>;

inline Matrix row(std::vector<double> values) {
  const int64_t n = int64_t(values.size());
  return Matrix(1, n, std::move(values));
}
inline Matrix column(std::vector<double> values) {
  const int64_t m = int64_t(values.size());
  return Matrix(m, 1, std::move(values));
}
inline Matrix one(double value) { return Matrix(1, 1, value); }
inline Matrix with(Matrix matrix, int64_t i, int64_t j, double value) {
  matrix(i, j) = value;
  return matrix;
}

/// The smallest numbers that have lost most of their bits to underflow.
inline double denormal(DType dtype) { return dtype == DType::f32 ? 0x1p-145 : 0x1p-1070; }
/// Its square is beyond the largest number.
inline double huge(DType dtype) { return dtype == DType::f32 ? 0x1p100 : 0x1p900; }

void matmul_edges(DType type, List& list);
void activation_edges(DType type, List& list);
void loss_edges(DType type, List& list);
void dropout_edges(DType type, List& list);
void reduce_edges(DType type, List& list);
void scale_edges(DType type, List& list);
void update_edges(DType type, List& list);

}  // namespace plexus::conformance

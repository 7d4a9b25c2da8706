// Rows of softmax, which the activation and the cross entropies are made of.
#pragma once
#include <cmath>
#include <vector>

#include "plexus/backends/conformance/oracle/term.h"

namespace plexus::conformance {

/// e^x / sum: the rounding of the exponent adds |ln p| units to the twenty that the bound of a softmax
/// allows.
inline Real probability_magnitude(Real p) { return p > 0 ? p * (1 - std::log(p) / 20) : p; }

/// Row i of a softmax: probabilities and their logarithms.
struct SoftmaxRow {
  std::vector<Real> p, log_p;

  SoftmaxRow(const Matrix& x, int64_t i) : p(size_t(x.columns)), log_p(size_t(x.columns)) {
    Real largest = -infinity;
    for (int64_t j = 0; j < x.columns; ++j) {
      const Real value = x(i, j);
      if (std::isnan(value) || value > largest) largest = value;
      if (std::isnan(value)) break;
    }
    Real sum = 0;
    for (int64_t j = 0; j < x.columns; ++j) sum += std::exp(x(i, j) - largest);
    for (int64_t j = 0; j < x.columns; ++j) {
      p[size_t(j)] = std::exp(x(i, j) - largest) / sum;
      log_p[size_t(j)] = x(i, j) - largest - std::log(sum);
    }
  }
};

}  // namespace plexus::conformance

// The softmax of one row, without overflow and without loss of small differences.
#pragma once
#include <cmath>
#include <cstdint>
#include <limits>

namespace plexus::reference {

/// e^x / sum(e^x) and its logarithm for the elements of one row. The largest element is subtracted first. A
/// row with NaN or +inf, or of nothing but -inf, has NaN everywhere; -inf among finite elements has
/// probability 0.
class RowSoftmax {
 public:
  template <class T>
  RowSoftmax(const T* x, int64_t n) {
    int64_t top = 0;
    for (int64_t j = 0; j < n; j++)
      if (double(x[j]) > max_) max_ = double(x[top = j]);
    // The largest element contributes e^0 = 1. The others are summed apart, so that log1p keeps the digits of
    // a loss near 0. `others` starts at 0, or at NaN where the largest element is infinite.
    double others = n > 0 ? double(x[top]) - max_ : 0;
    for (int64_t j = 0; j < n; j++)
      if (j != top) others += std::exp(double(x[j]) - max_);
    sum_ = 1 + others;
    log_sum_ = std::log1p(others);
  }

  double probability(double x) const { return std::exp(x - max_) / sum_; }
  double log_probability(double x) const { return (x - max_) - log_sum_; }

 private:
  double max_ = -std::numeric_limits<double>::infinity();
  double sum_ = 0, log_sum_ = 0;
};

}  // namespace plexus::reference

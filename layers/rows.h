// Rows: training data as layers see them that learn from it.
#pragma once
#include <cstdint>
#include <functional>
#include <span>

#include "plexus/core/shape.h"

namespace plexus {

/// Rows of training data, one after another, for layers that learn from them before training.
struct Rows {
  int64_t count = 0;
  Shape shape;                                              ///< of one row
  std::function<void(int64_t row, std::span<double> out)> read;
};

}  // namespace plexus

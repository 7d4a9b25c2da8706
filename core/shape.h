// Shape: the sizes of a tensor's dimensions, outermost first.
#pragma once
#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

#include "plexus/export.h"

namespace plexus {

/// Up to 8 dimension sizes, row-major (the last dimension is contiguous). Rank 0 is a scalar with one element.
class PLEXUS_EXPORT Shape {
 public:
  static constexpr size_t max_rank = 8;

  Shape() = default;
  /// Throws ShapeError on a negative size, more than 8 dimensions, or a product above 2^63 - 1 (zeros left out).
  Shape(std::initializer_list<int64_t> sizes) : Shape(std::span(sizes.begin(), sizes.size())) {}
  explicit Shape(std::span<const int64_t> sizes);

  size_t rank() const { return rank_; }
  int64_t operator[](size_t dimension) const { return sizes_[dimension]; }
  std::span<const int64_t> sizes() const { return {sizes_.data(), rank_}; }
  const int64_t* begin() const { return sizes_.data(); }
  const int64_t* end() const { return sizes_.data() + rank_; }

  /// Product of all sizes; 1 for a scalar, 0 if any size is 0.
  int64_t elements() const { return elements_; }
  /// As a matrix: the first dimension, and the product of all others. A scalar is 1 x 1.
  int64_t rows() const { return rank_ == 0 ? 1 : sizes_[0]; }
  int64_t columns() const;

  /// The shape with its first dimension replaced, or one put before it. ShapeError where there is none, or no room.
  Shape with_rows(int64_t rows) const;
  Shape batched(int64_t rows) const;
  /// The shape without its first dimension: one row of it.
  Shape row() const;

  bool operator==(const Shape& other) const = default;

 private:
  std::array<int64_t, max_rank> sizes_{};
  size_t rank_ = 0;
  int64_t elements_ = 1;
};

/// "[128, 28, 28]"
PLEXUS_EXPORT std::string to_string(const Shape& shape);

}  // namespace plexus

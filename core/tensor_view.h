// TensorView: somebody else's array, described.
#pragma once
#include <cstddef>
#include <string>
#include <type_traits>

#include "plexus/core/dtype.h"
#include "plexus/core/error.h"
#include "plexus/core/shape.h"

namespace plexus {

/// A row-major array that somebody else owns, with rows that may lie further apart than they are long.
/// `Byte` is `const std::byte` for views to read from, `std::byte` for views to write to.
template <class Byte>
class BasicTensorView {
 public:
  BasicTensorView() = default;
  /// `row_stride` in elements; 0 means dense rows.
  BasicTensorView(Byte* data, DType dtype, const Shape& shape, int64_t row_stride = 0)
      : data_(data), shape_(shape), row_stride_(row_stride == 0 ? shape.columns() : row_stride), dtype_(dtype) {}
  BasicTensorView(const BasicTensorView<std::byte>& other) requires std::is_const_v<Byte>
      : BasicTensorView(other.bytes(), other.dtype(), other.shape(), other.row_stride()) {}

  Byte* bytes() const { return data_; }
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int64_t row_stride() const { return row_stride_; }
  bool dense() const { return row_stride_ == shape_.columns(); }

  /// The view of rows [first, first + count). Throws ShapeError outside the tensor.
  BasicTensorView rows(int64_t first, int64_t count) const {
    if (first < 0 || count < 0 || first > shape_.rows() - count)
      throw ShapeError("rows: [" + std::to_string(first) + ", +" + std::to_string(count) + ") of " + to_string(shape_));
    return {data_ + size_t(first * row_stride_) * size_of(dtype_), dtype_, shape_.with_rows(count), row_stride_};
  }

 private:
  Byte* data_ = nullptr;
  Shape shape_{0};
  int64_t row_stride_ = 0;
  DType dtype_ = DType::f32;
};

using TensorView = BasicTensorView<const std::byte>;
using MutableTensorView = BasicTensorView<std::byte>;

}  // namespace plexus

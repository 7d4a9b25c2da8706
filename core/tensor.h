// Tensor: an owning array. TensorView: somebody else's array, described.
#pragma once
#include <cstddef>
#include <memory>
#include <span>

#include "plexus/core/dtype.h"
#include "plexus/core/error.h"
#include "plexus/core/shape.h"
#include "plexus/export.h"

namespace plexus {

/// Memory of Plexus starts at multiples of this many bytes: a cache line, and the widest vector register.
inline constexpr size_t alignment = 64;

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

/// An owning, dense, row-major array, 64-byte aligned. Copies are deep; a moved-from tensor is empty.
class PLEXUS_EXPORT Tensor {
 public:
  /// The empty tensor: f32, shape [0].
  Tensor() = default;
  /// All elements zero. Throws ShapeError where the bytes exceed 2^63 - 1, std::bad_alloc where memory ends.
  Tensor(DType dtype, const Shape& shape);
  Tensor(const Tensor& other);
  Tensor(Tensor&& other) noexcept;
  Tensor& operator=(Tensor other) noexcept;
  ~Tensor() = default;

  /// Elements not set: for readers that fill all of it.
  static Tensor uninitialized(DType dtype, const Shape& shape);
  /// A copy of `values`. Throws ShapeError where their count is not that of `shape`.
  template <class T>
  static Tensor from(std::span<const T> values, const Shape& shape) {
    return copy_of(std::as_bytes(values), dtype_of<T>, shape);
  }
  template <class T>
  static Tensor from(std::initializer_list<T> values, const Shape& shape) {
    return from(std::span<const T>(values.begin(), values.size()), shape);
  }

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int64_t elements() const { return shape_.elements(); }
  size_t byte_count() const { return size_t(elements()) * size_of(dtype_); }
  std::byte* bytes() { return data_.get(); }
  const std::byte* bytes() const { return data_.get(); }

  /// The elements as T. Throws ShapeError where T is not the tensor's element type.
  template <class T>
  std::span<T> values() {
    check_type(dtype_of<T>);
    return {reinterpret_cast<T*>(data_.get()), size_t(elements())};
  }
  template <class T>
  std::span<const T> values() const {
    check_type(dtype_of<T>);
    return {reinterpret_cast<const T*>(data_.get()), size_t(elements())};
  }

  TensorView view() const { return {bytes(), dtype_, shape_}; }
  MutableTensorView view() { return {bytes(), dtype_, shape_}; }
  operator TensorView() const { return view(); }

  /// The same elements under another shape. Throws ShapeError where the counts differ.
  Tensor reshaped(const Shape& shape) &&;
  /// The elements converted, each rounded once, to nearest even; out of range or NaN to integer: ShapeError.
  Tensor converted(DType dtype) const;

  /// Same type, shape and bytes (NaN payloads count).
  bool operator==(const Tensor& other) const;

 private:
  struct Free {
    void operator()(std::byte* p) const;
  };
  static Tensor copy_of(std::span<const std::byte> bytes, DType dtype, const Shape& shape);
  void check_type(DType requested) const;

  std::unique_ptr<std::byte[], Free> data_;
  Shape shape_{0};
  DType dtype_ = DType::f32;
};

}  // namespace plexus

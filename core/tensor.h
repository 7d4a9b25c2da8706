// Tensor: an owning array.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <span>

#include "plexus/core/dtype.h"
#include "plexus/core/error.h"
#include "plexus/core/shape.h"
#include "plexus/core/tensor_view.h"
#include "plexus/export.h"

namespace plexus {

/// Memory of Plexus starts at multiples of this many bytes: a cache line, and the widest vector register.
inline constexpr size_t alignment = 64;

/// An owning, dense, row-major array, 64-byte aligned but where it was adopted; from 2 MB on in huge pages where there are some. Copies
/// are deep; a moved-from tensor is empty.
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
  /// Somebody else's elements without a copy: `release` is called once, when the tensor, or the one that it was moved to,
  /// is gone. Aligned for their type, as a rule no more. Throws ShapeError where the bytes exceed 2^63 - 1, unreleased.
  static Tensor adopt(std::byte* elements, DType dtype, const Shape& shape, std::function<void()> release);
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
    std::function<void()> release;  // of somebody else's memory; empty: it is ours,
    std::align_val_t at;            // and begins at a multiple of this
  };
  static Tensor copy_of(std::span<const std::byte> bytes, DType dtype, const Shape& shape);
  void check_type(DType requested) const;

  std::unique_ptr<std::byte[], Free> data_;
  Shape shape_{0};
  DType dtype_ = DType::f32;
};

}  // namespace plexus

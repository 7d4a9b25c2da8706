#include "plexus/core/tensor.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include "plexus/core/huge_pages.h"
#include "plexus/core/spec/line.h"

namespace plexus {
namespace {

size_t checked_byte_count(DType dtype, const Shape& shape) {
  int64_t bytes = 0;
  if (__builtin_mul_overflow(shape.elements(), int64_t(size_of(dtype)), &bytes))
    throw ShapeError("tensor " + std::string(to_string(dtype)) + " " + to_string(shape) +
                     ": more than 2^63 - 1 bytes");
  return size_t(bytes);
}

/// bf16 is the upper half of an f32.
struct BFloat16 {
  uint16_t bits;
};

double widened(BFloat16 v) { return std::bit_cast<float>(uint32_t(v.bits) << 16); }
double widened(float v) { return v; }
double widened(double v) { return v; }
template <std::integral T>
int64_t widened(T v) {
  return v;
}

/// To nearest even, once: by way of float it would be twice.
BFloat16 to_bfloat16(double v) {
  if (std::isnan(v)) return {uint16_t(std::signbit(v) ? 0xffc0 : 0x7fc0)};
  int exponent = 0;
  std::frexp(v, &exponent);
  // 8 bits of precision; below 2^-126 the step stays 2^-133.
  const double step = std::ldexp(1.0, std::max(exponent, -125) - 8);
  const double rounded = std::isinf(v) ? v : std::nearbyint(v / step) * step;
  return {uint16_t(std::bit_cast<uint32_t>(float(rounded)) >> 16)};
}

/// An integer of more than 53 bits rounded to odd, which leaves the next rounding as if it were the only one.
BFloat16 to_bfloat16(int64_t v) {
  constexpr int64_t exact = int64_t(1) << 53;
  if (v > exact || v < -exact) v = ((v >> 11) | ((v & 0x7ff) != 0)) << 11;
  return to_bfloat16(double(v));
}

/// False where `v` cannot be a To.
template <class To, class From>
bool convert(From v, To& result) {
  if constexpr (std::same_as<To, BFloat16>) {
    result = to_bfloat16(v);
  } else if constexpr (std::floating_point<To>) {
    result = To(v);
  } else if constexpr (std::floating_point<From>) {
    const double rounded = std::nearbyint(v);
    // Both limits are powers of two, exact in double; NaN fails the comparison.
    const double above = std::ldexp(1.0, std::numeric_limits<To>::digits);
    const double lowest = double(std::numeric_limits<To>::min());
    if (!(rounded >= lowest && rounded < above)) return false;
    result = To(rounded);
  } else {
    if (!std::in_range<To>(v)) return false;
    result = To(v);
  }
  return true;
}

/// Calls `f` with a value of the C++ type of `dtype`.
template <class F>
void with_type(DType dtype, const F& f) {
  switch (dtype) {
    case DType::f32:
      return f(float());
    case DType::f64:
      return f(double());
    case DType::i32:
      return f(int32_t());
    case DType::i64:
      return f(int64_t());
    case DType::u8:
      return f(uint8_t());
    case DType::bf16:
      return f(BFloat16());
    case DType::i8:
      return f(int8_t());
  }
}

}  // namespace

void Tensor::Free::operator()(std::byte* p) const {
  if (release)
    release();
  else
    ::operator delete[](p, at);
}

Tensor Tensor::uninitialized(DType dtype, const Shape& shape) {
  const size_t bytes = checked_byte_count(dtype, shape);
  Tensor tensor;
  if (bytes > 0) {
    const auto at = std::align_val_t(bytes < huge_page ? alignment : huge_page);
    tensor.data_ = {static_cast<std::byte*>(::operator new[](bytes, at)), Free{{}, at}};
    wish_huge_pages(tensor.data_.get(), bytes);
  }
  tensor.shape_ = shape;
  tensor.dtype_ = dtype;
  return tensor;
}

Tensor Tensor::adopt(std::byte* elements, DType dtype, const Shape& shape, std::function<void()> release) {
  checked_byte_count(dtype, shape);
  if (!elements) release();  // a null pointer is never given back
  Tensor tensor;
  tensor.data_ = {elements, Free{std::move(release), {}}};
  tensor.shape_ = shape;
  tensor.dtype_ = dtype;
  return tensor;
}

Tensor::Tensor(DType dtype, const Shape& shape) : Tensor(uninitialized(dtype, shape)) {
  if (data_) std::memset(data_.get(), 0, byte_count());
}

Tensor::Tensor(const Tensor& other) : Tensor(uninitialized(other.dtype_, other.shape_)) {
  if (data_) std::memcpy(data_.get(), other.data_.get(), byte_count());
}

Tensor::Tensor(Tensor&& other) noexcept
    : data_(std::move(other.data_)),
      shape_(std::exchange(other.shape_, Shape{0})),
      dtype_(std::exchange(other.dtype_, DType::f32)) {}

Tensor& Tensor::operator=(Tensor other) noexcept {
  std::swap(data_, other.data_);
  std::swap(shape_, other.shape_);
  std::swap(dtype_, other.dtype_);
  return *this;
}

Tensor Tensor::copy_of(std::span<const std::byte> bytes, DType dtype, const Shape& shape) {
  if (bytes.size() != checked_byte_count(dtype, shape))
    throw ShapeError("tensor " + to_string(shape) + ": " + std::to_string(shape.elements()) +
                     " elements, given " + std::to_string(bytes.size() / size_of(dtype)));
  Tensor tensor = uninitialized(dtype, shape);
  if (!bytes.empty()) std::memcpy(tensor.bytes(), bytes.data(), bytes.size());
  return tensor;
}

void Tensor::check_type(DType requested) const {
  if (requested != dtype_)
    throw ShapeError("tensor " + to_string(shape_) + ": elements are " + std::string(to_string(dtype_)) +
                     ", asked for as " + std::string(to_string(requested)) + "; see converted()");
}

Tensor Tensor::reshaped(const Shape& shape) && {
  if (shape.elements() != elements())
    throw ShapeError("reshape " + to_string(shape_) + " to " + to_string(shape) + ": " +
                     std::to_string(elements()) + " elements are not " + std::to_string(shape.elements()));
  shape_ = shape;
  return std::move(*this);
}

Tensor Tensor::converted(DType dtype) const {
  Tensor result = uninitialized(dtype, shape_);
  with_type(dtype_, [&]<class From>(From) {
    with_type(dtype, [&]<class To>(To) {
      const auto* from = reinterpret_cast<const From*>(bytes());
      auto* to = reinterpret_cast<To*>(result.bytes());
      for (int64_t i = 0; i < elements(); i++) {
        const auto value = widened(from[i]);
        if constexpr (std::same_as<From, To>)
          to[i] = from[i];
        else if (!convert(value, to[i]))
          throw ShapeError("convert " + to_string(shape_) + " to " + std::string(to_string(dtype)) +
                           ": element " + std::to_string(i) + " is " + spec::number(value));
      }
    });
  });
  return result;
}

bool Tensor::operator==(const Tensor& other) const {
  return dtype_ == other.dtype_ && shape_ == other.shape_ &&
         (byte_count() == 0 || std::memcmp(bytes(), other.bytes(), byte_count()) == 0);
}

}  // namespace plexus

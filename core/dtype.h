// Element types of tensors and buffers.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "plexus/export.h"

namespace plexus {

/// Element types. bf16 and i8 are reserved: they have a size and a name, but no backend has kernels for them yet.
enum class DType : uint8_t { f32, f64, i32, i64, u8, bf16, i8 };

/// Bytes of one element.
constexpr size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::f32: case DType::i32: return 4;
    case DType::f64: case DType::i64: return 8;
    case DType::bf16: return 2;
    case DType::u8: case DType::i8: return 1;
  }
  return 0;
}

/// "f32", "i64", ...
PLEXUS_EXPORT std::string_view to_string(DType dtype);

template <class T> struct DTypeOf;
template <> struct DTypeOf<float> { static constexpr DType value = DType::f32; };
template <> struct DTypeOf<double> { static constexpr DType value = DType::f64; };
template <> struct DTypeOf<int32_t> { static constexpr DType value = DType::i32; };
template <> struct DTypeOf<int64_t> { static constexpr DType value = DType::i64; };
template <> struct DTypeOf<uint8_t> { static constexpr DType value = DType::u8; };

/// The DType of a C++ type: dtype_of<float> == DType::f32.
template <class T> inline constexpr DType dtype_of = DTypeOf<T>::value;

}  // namespace plexus

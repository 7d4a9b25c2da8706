// Elements: the numbers in a binary array file, whatever their type and byte order. Private.
#pragma once
#include "plexus/core/tensor.h"
#include "plexus/io/source.h"

namespace plexus::io {

/// A type of numbers as files have them.
struct ElementType {
  char kind;           ///< 'b' bool, 'i' signed, 'u' unsigned, 'f' floating
  size_t size;         ///< bytes
  bool big_endian = false;
};

/// Whether read_elements() can read the type: b1, i1 i2 i4 i8, u1 u2 u4 u8, f2 f4 f8.
bool readable(const ElementType& type);

/// Reads what is left of `source`, which starts at `offset`, as `shape`. Types without a counterpart become the next wider one:
/// b1 u8 (0 or 1); i1 i2 u2 i32; u4 u8 i64; f2 f32. Throws FormatError where there are fewer or more bytes than the shape
/// needs, and for a u8 above 2^63 - 1.
Tensor read_elements(Source& source, const ElementType& type, const Shape& shape, uint64_t offset);

}  // namespace plexus::io

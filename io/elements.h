// Elements: the numbers in a binary array file, whatever their type and byte order. Private.
#pragma once
#include "plexus/core/tensor.h"
#include "plexus/io/source.h"

namespace plexus::io {

enum class ElementKind : uint8_t { boolean, signed_integer, unsigned_integer, floating, bfloat };

/// A type of numbers as files have them.
struct ElementType {
  ElementKind kind;
  size_t size;  ///< bytes
  bool big_endian = false;
};

/// Whether read_elements() can read the type: booleans of 1 byte, integers of 1, 2, 4 and 8, floating of 2, 4 and 8, bfloat of 2.
bool readable(const ElementType& type);

/// Reads what is left of `source`, which starts at `offset`, as `shape`. Types without a counterpart become the next wider
/// one: booleans u8 (0 or 1); signed of 1 and 2 bytes and unsigned of 2 i32; unsigned of 4 and 8 i64; floating and bfloat of
/// 2 f32. Throws FormatError where there are fewer or more bytes than the shape needs, and for an unsigned number above
/// 2^63 - 1.
Tensor read_elements(Source& source, const ElementType& type, const Shape& shape, uint64_t offset);

}  // namespace plexus::io

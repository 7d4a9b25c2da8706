// NumPy's format for one array, in a file of its own or in an archive. Private.
#pragma once
#include <optional>
#include <string>

#include "plexus/core/tensor.h"
#include "plexus/io/source.h"

namespace plexus::io {

/// Reads all of `source`, from its start. Throws FormatError.
Tensor read_npy(Source& source);

/// What a header says.
struct NpyLayout {
  std::optional<DType> dtype;  ///< empty: the elements are not f4, f8 or u1 in the byte order of this machine
  bool fortran_order = false;
  Shape shape;
  size_t offset = 0;           ///< of the first element
};
/// Reads the header, from the start of `source`. Throws FormatError.
NpyLayout read_npy_layout(Source& source);

/// What stands before the elements of `tensor`: format 1.0, padded so that they start aligned. Throws ArgumentError, which
/// starts with `caller`, for bf16 and i8.
std::string npy_header(const std::string& caller, const Tensor& tensor);

}  // namespace plexus::io

// NumPy's format for one array, in a file of its own or in an archive. Private.
#pragma once
#include <string>

#include "plexus/core/tensor.h"
#include "plexus/io/source.h"

namespace plexus::io {

/// Reads all of `source`, from its start. Throws FormatError.
Tensor read_npy(Source& source);

/// What stands before the elements of `tensor`: format 1.0, padded so that they start aligned. Throws ArgumentError, which
/// starts with `caller`, for bf16 and i8.
std::string npy_header(const std::string& caller, const Tensor& tensor);

}  // namespace plexus::io

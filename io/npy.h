// NumPy's array files.
#pragma once
#include <string>

#include "plexus/core/tensor.h"
#include "plexus/export.h"

namespace plexus {

/// Reads a .npy file: format 1.0 to 3.0, both byte orders, C and Fortran order. f4, f8, i4, i8 and u1 keep their type; b1
/// becomes u8 (0 or 1); i1, i2 and u2 i32; u4 and u8 i64; f2 f32. Records, text, complex numbers and Python objects are
/// refused, and nothing in a header is ever evaluated. Never trusts a size in the file: memory is in proportion to it. Throws
/// IoError, FormatError (with the byte).
PLEXUS_EXPORT Tensor load_npy(const std::string& path);
/// Writes format 1.0 in C order. Throws IoError, ArgumentError for bf16 and i8; the file is complete or not there.
PLEXUS_EXPORT void save_npy(const std::string& path, const Tensor& tensor);

}  // namespace plexus

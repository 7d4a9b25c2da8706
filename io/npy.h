// NumPy's array files.
#pragma once
#include <string>

#include "plexus/core/tensor.h"
#include "plexus/export.h"

namespace plexus {

/// Reads a .npy file (format 1 to 3, little endian, C order; f4, f8, i4, i8, u1). Never trusts a size in the file:
/// memory is in proportion to the file. Throws IoError, FormatError (with the byte).
PLEXUS_EXPORT Tensor load_npy(const std::string& path);
/// Writes format 1.0. Throws IoError; the file is complete or not there.
PLEXUS_EXPORT void save_npy(const std::string& path, const Tensor& tensor);

}  // namespace plexus

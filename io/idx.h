// IDX: the format of MNIST and its relatives.
#pragma once
#include <string>

#include "plexus/core/tensor.h"
#include "plexus/export.h"

namespace plexus {

/// Reads an IDX file, plain or compressed with gzip (told by its first bytes). u8, i32, f32 and f64 keep their type, i8 and
/// i16 become i32. Never trusts a size in the file. Throws IoError, FormatError (with the byte).
PLEXUS_EXPORT Tensor load_idx(const std::string& path);

}  // namespace plexus

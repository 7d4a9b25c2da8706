// NumPy's archives of arrays.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "plexus/export.h"
#include "plexus/io/named_tensor.h"

namespace plexus {

/// Reads a .npz file: a zip archive, stored or deflated, of .npy files, in their order; names without ".npy". Names are text and
/// never a place to write to. Types as load_npy() has them. Strict: checksums and both headers of a member must agree, nothing
/// stands before or after the archive, names are unique, nothing is encrypted; at most 65536 members, and none that inflates
/// to more than 1100 times its size. Throws IoError, FormatError (with member and byte).
PLEXUS_EXPORT std::vector<NamedTensor> load_npz(const std::string& path);

enum class Compression { none, deflate };

/// Writes a .npz file that numpy.load() reads: the same tensors give the same bytes. Throws IoError; ArgumentError for a name that
/// occurs twice, is empty or not UTF-8, and for bf16 and i8. The file is complete or not there.
PLEXUS_EXPORT void save_npz(const std::string& path, std::span<const NamedTensor> tensors,
                            Compression compression = Compression::none);

}  // namespace plexus

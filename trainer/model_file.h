// Model file: a trained network on disk, with all that it needs to predict from raw rows.
#pragma once
#include <string>

#include "plexus/export.h"
#include "plexus/layers/sequential.h"

namespace plexus {

/// The version of the format that save() writes, and the newest that load_model() reads.
inline constexpr int64_t model_format_version = 1;

/// Writes a network as a safetensors file (docs/model-file.md): parameters under the names and in the shapes of the
/// torch.nn.Sequential with the same layers ("0.weight" [out, in]), what preprocessing has learnt beside them ("input.mean"),
/// architecture, categories and Schema as JSON. The same network gives the same bytes. The file is complete or not there.
/// Throws ArgumentError for a network that is not built and fitted, a layer of one's own and a schema that does not fit,
/// DataError for values that are not finite and names that are not UTF-8, IoError.
PLEXUS_EXPORT void save(const Sequential& network, const std::string& path);

/// Reads what save() wrote: its predictions have the same bits. Throws IoError; FormatError where the file is damaged, is not
/// a model, was written by a newer version, or tensors and architecture do not fit together: every tensor must be there, with
/// its type, its shape and finite values, and no other.
PLEXUS_EXPORT Sequential load_model(const std::string& path);

}  // namespace plexus

// safetensors: named tensors and text beside them, the format of model files.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "plexus/export.h"
#include "plexus/io/named_tensor.h"

namespace plexus {

/// What a safetensors file holds.
struct Safetensors {
  std::vector<NamedTensor> tensors;             ///< in the order of the file's header; names are unique
  std::map<std::string, std::string> metadata;  ///< the header's "__metadata__"
};

/// Reads a safetensors file. F32, F64, I32, I64 and U8 keep their type (NaNs their bits); BOOL becomes u8 (0 or 1); I8, I16
/// and U16 i32; U32 and U64 i64; F16 and BF16 f32. Strict: what the header says must describe every byte of the data once,
/// without overlaps, holes or trailing bytes; keys are unique. At most 65536 tensors and a header of 6 MiB (the format allows
/// 100 MB), so that memory stays below the file, the tensors and 64 MiB. Throws IoError, FormatError (with the byte or the tensor).
PLEXUS_EXPORT Safetensors load_safetensors(const std::string& path);

/// Writes a safetensors file: the same content gives the same bytes. The header has tensors in the given order, the data types
/// of wider elements first, so that every element lies aligned. Types are written as they are (bf16 as BF16, i8 as I8). Throws
/// IoError; ArgumentError for a name that occurs twice or is "__metadata__", text that is not UTF-8, and more than
/// load_safetensors() reads. The file is complete or not there.
PLEXUS_EXPORT void save_safetensors(const std::string& path, const Safetensors& content);

}  // namespace plexus

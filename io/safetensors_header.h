// The header of a safetensors file: JSON that describes the bytes after it. Private.
#pragma once
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plexus/io/elements.h"
#include "plexus/io/named_tensor.h"

namespace plexus::io {

/// Where the header's text starts: after its length, eight bytes, little-endian.
inline constexpr size_t safetensors_header_at = 8;
/// Bookkeeping takes some 500 bytes a tensor, 32 MiB for so many; the largest models have a few thousand in a file.
inline constexpr size_t max_safetensors = size_t(1) << 16;
/// Models of a thousand tensors have 0.1 MiB. The parser may hold eleven copies of a header that is one long string, which must
/// stay within twice the file and 64 MiB.
inline constexpr uint64_t max_safetensors_header = uint64_t(6) << 20;

/// A tensor as the header describes it: its bytes are [begin, end) of the data.
struct SafetensorsEntry {
  std::string name;
  ElementType type;
  Shape shape;
  uint64_t begin, end;
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> tensors;
  std::map<std::string, std::string> metadata;
};

/// Parses the text of a header. Every tensor has as many bytes as its type and shape need; names are unique. Throws FormatError.
SafetensorsHeader parse_safetensors_header(const std::string& file, std::string_view text);

/// The text of a header, padded with spaces so that the data after it starts aligned. `begins`: where in the data each tensor
/// starts. Throws ArgumentError for text that is not UTF-8.
std::string safetensors_header(const std::map<std::string, std::string>& metadata, std::span<const NamedTensor> tensors,
                               std::span<const uint64_t> begins);

}  // namespace plexus::io

#include "plexus/io/safetensors.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "plexus/io/excerpt.h"
#include "plexus/io/file.h"
#include "plexus/io/safetensors_header.h"

namespace plexus {
namespace {

using io::SafetensorsEntry;

// The numbers of the elements of `range`, ordered by what `key` makes of them; equal ones stay as they are.
template <class Range, class Key>
std::vector<size_t> order(const Range& range, const Key& key) {
  std::vector<size_t> result(range.size());
  std::iota(result.begin(), result.end(), size_t(0));
  std::ranges::stable_sort(result, {}, [&](size_t i) { return key(range[i]); });
  return result;
}

std::string read_header(io::InputFile& file) {
  const auto refuse = [&](size_t at, const std::string& problem) {
    throw FormatError(file.path(), file.place(at), problem);
  };
  const uint64_t size = file.certain();
  std::array<uint8_t, io::safetensors_header_at> bytes{};
  const size_t found = file.read(bytes.data(), bytes.size());
  if (found < bytes.size()) refuse(0, "expected 8 bytes of header length, found " + std::to_string(found));
  uint64_t length = 0;
  for (size_t i = bytes.size(); i-- > 0;) length = length << 8 | bytes[i];
  const std::string claim = "a header of " + std::to_string(length) + " bytes; ";
  if (length > io::max_safetensors_header)
    refuse(0, claim + "at most " + std::to_string(io::max_safetensors_header) + " are read");
  if (length > size - bytes.size())
    refuse(0, claim + std::to_string(size - bytes.size()) + " are left in the file");
  std::string text(length, '\0');
  if (file.read(text.data(), length) < length) refuse(0, claim + "the file became shorter while it was read");
  return text;
}

// What the header says must be there, and all that is there must be said.
void check_offsets(const std::string& path, const std::vector<SafetensorsEntry>& entries,
                   const std::vector<size_t>& by_offset, uint64_t data_bytes) {
  uint64_t end = 0;
  for (const size_t i : by_offset) {
    const SafetensorsEntry& entry = entries[i];
    const auto refuse = [&](const std::string& problem) {
      throw FormatError(
          path, "tensor " + io::excerpt(entry.name),
          "data_offsets [" + std::to_string(entry.begin) + ", " + std::to_string(entry.end) + "] " + problem);
    };
    if (entry.end > data_bytes) refuse("end beyond the data, " + std::to_string(data_bytes) + " bytes");
    if (entry.begin < end) refuse("overlap the tensor before, which ends at " + std::to_string(end));
    if (entry.begin > end)
      refuse("leave a hole after the tensor before, which ends at " + std::to_string(end));
    end = entry.end;
  }
  if (end < data_bytes)
    throw FormatError(path, "", std::to_string(data_bytes - end) + " bytes of data belong to no tensor");
}

}  // namespace

Safetensors load_safetensors(const std::string& path) {
  io::InputFile file(path);
  io::SafetensorsHeader header = io::parse_safetensors_header(path, read_header(file));
  const uint64_t data_bytes = file.certain(), data_at = file.position();
  const std::vector<size_t> by_offset =
      order(header.tensors, [](const SafetensorsEntry& entry) { return std::pair(entry.begin, entry.end); });
  check_offsets(path, header.tensors, by_offset, data_bytes);

  Safetensors content{.tensors = std::vector<NamedTensor>(header.tensors.size()),
                      .metadata = std::move(header.metadata)};
  for (const size_t i : by_offset) {
    SafetensorsEntry& entry = header.tensors[i];
    io::Section section(file, data_at + entry.begin, entry.end - entry.begin);
    content.tensors[i] = {std::move(entry.name), io::read_elements(section, entry.type, entry.shape, 0)};
  }
  return content;
}

void save_safetensors(const std::string& path, const Safetensors& content) {
  const auto refuse = [](const std::string& problem) { throw ArgumentError("save_safetensors: " + problem); };
  const std::vector<NamedTensor>& tensors = content.tensors;
  if (tensors.size() > io::max_safetensors)
    refuse(std::to_string(tensors.size()) + " tensors; at most " + std::to_string(io::max_safetensors));
  const std::vector<size_t> by_name =
      order(tensors, [](const NamedTensor& t) { return std::string_view(t.name); });
  const auto twice = std::ranges::adjacent_find(by_name, {}, [&](size_t i) { return tensors[i].name; });
  if (twice != by_name.end()) refuse("two tensors are named " + io::excerpt(tensors[*twice].name));
  if (find(tensors, "__metadata__") != nullptr) refuse("no tensor can be named '__metadata__'");

  std::vector<uint64_t> begins(tensors.size());
  uint64_t end = 0;
  std::vector<std::string_view> parts(2);
  for (const size_t i :
       order(tensors, [](const NamedTensor& t) { return -int(size_of(t.tensor.dtype())); })) {
    const Tensor& tensor = tensors[i].tensor;
    begins[i] = end;
    end += tensor.byte_count();
    parts.emplace_back(reinterpret_cast<const char*>(tensor.bytes()), tensor.byte_count());
  }
  const std::string header = io::safetensors_header(content.metadata, tensors, begins);
  if (header.size() > io::max_safetensors_header)
    refuse("names and metadata make a header of " + std::to_string(header.size()) + " bytes; at most " +
           std::to_string(io::max_safetensors_header));
  std::string length;
  for (size_t i = 0; i < io::safetensors_header_at; ++i) length += char(header.size() >> 8 * i & 255);
  parts[0] = length;
  parts[1] = header;
  io::write_file(path, parts);
}

}  // namespace plexus

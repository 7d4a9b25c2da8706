#include "plexus/io/idx.h"

#include <array>
#include <optional>

#include "plexus/io/elements.h"
#include "plexus/io/excerpt.h"
#include "plexus/io/file.h"
#include "plexus/io/gzip.h"

namespace plexus {
namespace {

std::optional<io::ElementType> element_type(uint8_t code) {
  switch (code) {
    case 0x08:
      return io::ElementType{io::ElementKind::unsigned_integer, 1, true};
    case 0x09:
      return io::ElementType{io::ElementKind::signed_integer, 1, true};
    case 0x0B:
      return io::ElementType{io::ElementKind::signed_integer, 2, true};
    case 0x0C:
      return io::ElementType{io::ElementKind::signed_integer, 4, true};
    case 0x0D:
      return io::ElementType{io::ElementKind::floating, 4, true};
    case 0x0E:
      return io::ElementType{io::ElementKind::floating, 8, true};
    default:
      return std::nullopt;
  }
}

// Two zeros, the type, the number of dimensions; their sizes, 32 bits each; the elements. All big-endian.
Tensor read(io::Source& source) {
  const auto refuse = [&](uint64_t at, const std::string& problem) {
    throw FormatError(source.path(), source.place(at), problem);
  };
  std::array<char, 4> start{};
  const std::string_view found(start.data(), source.read(start.data(), start.size()));
  if (!found.starts_with(std::string_view("\0\0", 2))) {
    refuse(0, "not an IDX file: it starts with " + io::hexadecimal(found) + " instead of 00 00");
  }
  if (found.size() < start.size()) refuse(found.size(), "the file ends within its header");
  const auto type = element_type(uint8_t(start[2]));
  if (!type)
    refuse(2, "unknown type " + io::hexadecimal(found.substr(2, 1)) + "; expected 08, 09, 0b, 0c, 0d or 0e");
  const size_t rank = uint8_t(start[3]);
  if (rank == 0 || rank > Shape::max_rank) {
    refuse(3, std::to_string(rank) + " dimensions; expected 1 to " + std::to_string(Shape::max_rank));
  }

  std::array<uint8_t, 4 * Shape::max_rank> bytes{};
  const size_t size_bytes = 4 * rank;
  const size_t read = source.read(bytes.data(), size_bytes);
  if (read < size_bytes) refuse(start.size() + read, "the file ends within its header");
  std::array<int64_t, Shape::max_rank> sizes{};
  for (size_t i = 0; i < size_bytes; ++i) sizes[i / 4] = sizes[i / 4] << 8 | bytes[i];
  std::optional<Shape> shape;
  try {
    shape.emplace(std::span(sizes.data(), rank));
  } catch (const ShapeError& error) {
    refuse(start.size(), error.what());
  }
  return io::read_elements(source, *type, *shape, start.size() + size_bytes);
}

}  // namespace

Tensor load_idx(const std::string& path) {
  io::InputFile file(path);
  std::array<char, io::gzip_magic.size()> start{};
  const size_t found = file.read(start.data(), start.size());
  file.rewind();
  if (std::string_view(start.data(), found) != io::gzip_magic) return read(file);
  io::GzipFile gzip(file);
  return read(gzip);
}

}  // namespace plexus

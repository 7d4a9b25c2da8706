#include "plexus/io/sections.h"

#include <bit>
#include <cstring>
#include <set>

#include "plexus/io/checksum.h"
#include "plexus/io/file.h"

namespace plexus::io {
namespace {

// docs/formats.md has the layout. As in PNG, a byte above 127, CR LF and ^Z show what transfers of text have
// done.
constexpr char magic_begin[] = {'\x89'};
constexpr char magic_end[] = {'\r', '\n', '\x1a'};
constexpr size_t magic_size = 8, preamble_size = 32, word = 8;

static_assert(std::endian::native == std::endian::little, "numbers are written as they lie in memory");

std::string magic(const std::string& kind) {
  return std::string(magic_begin, sizeof magic_begin) + kind + std::string(magic_end, sizeof magic_end);
}

template <class T>
void append(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class T>
T read(std::string_view bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

}  // namespace

void save_sections(const std::string& path, const std::string& kind, uint32_t version,
                   const std::vector<NamedBytes>& sections) {
  std::string table;
  uint64_t contents = 0;
  for (const NamedBytes& section : sections) {
    append(table, static_cast<uint32_t>(section.name.size()));
    table += section.name;
    append(table, uint64_t{section.bytes.size()});
    append(table, checksum(section.bytes));
    contents += section.bytes.size();
  }
  std::string head = magic(kind);
  append(head, version);
  append(head, static_cast<uint32_t>(sections.size()));
  append(head, uint64_t{table.size()});
  append(head, uint64_t{preamble_size + word + table.size() + word + contents});
  append(head, checksum(head));
  head += table;
  append(head, checksum(table));
  std::vector<std::string_view> parts = {head};
  for (const NamedBytes& section : sections)
    if (!section.bytes.empty()) parts.push_back(section.bytes);
  write_file(path, parts);
}

SectionFile::SectionFile(const std::string& path, const std::string& kind, uint32_t newest)
    : path_(path), bytes_(InputFile(path).read_rest()) {
  const auto damaged = [&](const std::string& problem) { throw FormatError(path_, "", problem); };
  // The first 40 bytes stay as they are in every version: a newer file is told from a damaged one.
  if (bytes_.size() < preamble_size + word) damaged("ends within its first 40 bytes");
  if (std::string_view(bytes_).substr(0, magic_size) != magic(kind)) damaged("is not a file of this kind");
  const std::string_view preamble = std::string_view(bytes_).substr(0, preamble_size);
  if (checksum(preamble) != read<uint64_t>(bytes_, preamble_size))
    damaged("damaged in its first 40 bytes: the checksum differs");
  const auto version = read<uint32_t>(bytes_, 8);
  if (version > newest)
    throw NewerVersion(path_, "",
                       "format version " + std::to_string(version) + ", this Plexus reads up to version " +
                           std::to_string(newest) + ": update Plexus");
  if (const auto size = read<uint64_t>(bytes_, 24); size != bytes_.size())
    damaged("expected " + std::to_string(size) + " bytes, found " + std::to_string(bytes_.size()));
  read_table();
}

void SectionFile::read_table() {
  const auto damaged = [&](const std::string& place, const std::string& problem) {
    throw FormatError(path_, place, problem);
  };
  const std::string_view bytes = bytes_;
  const size_t begin = preamble_size + word;
  const auto size = read<uint64_t>(bytes, 16);
  if (size > bytes.size() - begin - word || bytes.size() < begin + word)
    damaged("table", "longer than the file");
  const std::string_view table = bytes.substr(begin, size);
  if (checksum(table) != read<uint64_t>(bytes, begin + size)) damaged("table", "the checksum differs");

  size_t at = 0, content = begin + size + word;
  std::set<std::string> names;
  const auto need = [&](uint64_t count) {
    if (count > table.size() - at) damaged("table", "ends within an entry");
  };
  for (auto left = read<uint32_t>(bytes, 12); left > 0; --left) {
    need(sizeof(uint32_t));
    const auto length = read<uint32_t>(table, at);
    at += sizeof length;
    need(length + 2 * word);
    std::string name(table.substr(at, length));
    at += length;
    const auto count = read<uint64_t>(table, at), sum = read<uint64_t>(table, at + word);
    at += 2 * word;
    const std::string place = "section " + std::to_string(sections_.size() + 1);
    if (count > bytes.size() - content) damaged(place, "ends behind the file");
    if (!names.insert(name).second) damaged(place, "its name is there twice");
    const std::string_view part = bytes.substr(content, count);
    if (checksum(part) != sum) damaged(place, "the checksum differs");
    sections_.push_back({std::move(name), part});
    content += count;
  }
  if (at != table.size()) damaged("table", "has more than its entries");
  if (content != bytes.size()) damaged("", "has bytes that belong to no section");
}

std::string_view SectionFile::at(size_t number, const std::string& name) const {
  if (number >= sections_.size() || sections_[number].name != name)
    throw FormatError(path_, "", "section '" + name + "' is not where it should be");
  return sections_[number].bytes;
}

}  // namespace plexus::io

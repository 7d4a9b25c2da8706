// Source: where a reader's bytes come from, plain or decompressed. Private to this folder's readers.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace plexus::io {

/// A stream of bytes that knows how much to believe: readers check what a header claims against `possible`, and allocate
/// in steps from `certain` on, so that memory stays in proportion to the file.
class Source {
 public:
  virtual ~Source() = default;
  /// The file, for messages.
  virtual const std::string& path() const = 0;
  /// Fills `out`; returns less than `bytes` only where the data ends. Throws IoError, FormatError.
  virtual size_t read(void* out, size_t bytes) = 0;
  /// Bytes that are left at least.
  virtual uint64_t certain() const = 0;
  /// Bytes that are left at most.
  virtual uint64_t possible() const = 0;
  /// "byte 4", where offset 4 of this stream is meant.
  virtual std::string place(uint64_t offset) const = 0;
};

}  // namespace plexus::io

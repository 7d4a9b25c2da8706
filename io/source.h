// Source: where a reader's bytes come from, plain or decompressed. Private to this folder's readers.
#pragma once
#include <algorithm>
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

/// The next bytes of another source, as one of their own.
class Section final : public Source {
 public:
  /// `source` must outlive this. `start`: where in it the section begins, for messages.
  Section(Source& source, uint64_t start, uint64_t bytes) : source_(source), start_(start), left_(bytes) {}

  const std::string& path() const override { return source_.path(); }
  size_t read(void* out, size_t bytes) override {
    const size_t done = source_.read(out, size_t(std::min<uint64_t>(bytes, left_)));
    left_ -= done;
    return done;
  }
  uint64_t certain() const override { return std::min(left_, source_.certain()); }
  uint64_t possible() const override { return std::min(left_, source_.possible()); }
  std::string place(uint64_t offset) const override { return source_.place(start_ + offset); }

 private:
  Source& source_;
  uint64_t start_, left_;
};

}  // namespace plexus::io

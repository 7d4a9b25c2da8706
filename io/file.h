// File: reading regular files, and writing them whole or not at all. Private.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "plexus/io/source.h"

namespace plexus::io {

/// No compressor that Plexus reads makes data more than 1032 times smaller (DEFLATE's limit: 258 bytes from 2 bits); files
/// that claim more than this are refused.
inline constexpr uint64_t max_ratio = 1100;

/// A regular file, open for reading.
class InputFile final : public Source {
 public:
  /// Throws IoError where there is no such file, it may not be read, or it is a directory, pipe or device; FormatError
  /// where it is a hole almost entirely (a few blocks on disk that pretend to be terabytes).
  explicit InputFile(const std::string& path);
  ~InputFile() override;
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::string& path() const override { return path_; }
  size_t read(void* out, size_t bytes) override;
  /// By its size when it was opened.
  uint64_t certain() const override { return left_; }
  uint64_t possible() const override { return left_; }
  std::string place(uint64_t offset) const override;
  /// For libraries that read by themselves: it stays open as long as this.
  int descriptor() const { return descriptor_; }
  /// Bytes read so far.
  uint64_t position() const { return size_ - left_; }
  /// All that is left, to the true end.
  std::string read_rest();
  /// Back to the first byte.
  void rewind();

 private:
  std::string path_;
  int descriptor_;
  uint64_t size_ = 0, left_ = 0;
};

/// Names of the files that write_file() writes to before they get their name; a killed process may leave one behind.
inline constexpr std::string_view temporary_prefix = ".plexus-", temporary_suffix = ".tmp";

/// Writes `parts` one after the other to a new file beside `path` and then gives it that name: at any instant, after a
/// crash too, `path` holds the old content or the new. Keeps the permissions of a file that it replaces, and follows
/// symbolic links. Throws IoError; `path` is then as it was and nothing is left behind.
void write_file(const std::string& path, std::span<const std::string_view> parts);

}  // namespace plexus::io

// Gzip: decompressing a file while it is read. Private.
#pragma once
#include <memory>

#include "plexus/io/file.h"

namespace plexus::io {

/// The bytes that mark a gzip file.
inline constexpr std::string_view gzip_magic = "\x1f\x8b";

/// What a gzip file (one member or several) holds. Lengths and checksums are verified where members end.
class GzipFile final : public Source {
 public:
  /// `file` at its start; must outlive this.
  explicit GzipFile(InputFile& file);
  ~GzipFile() override;

  const std::string& path() const override;
  /// Throws FormatError for damaged data, a wrong checksum, a file that ends early or goes on after its last member.
  size_t read(void* out, size_t bytes) override;
  uint64_t certain() const override { return 0; }
  uint64_t possible() const override { return possible_; }
  std::string place(uint64_t offset) const override;

 private:
  struct Inflater;
  std::unique_ptr<Inflater> inflater_;
  uint64_t possible_;
};

}  // namespace plexus::io

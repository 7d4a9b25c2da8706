// Sections: named strings of bytes in one file, each under a checksum. No damage goes unseen. Private.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "plexus/core/error.h"

namespace plexus::io {

struct NamedBytes {
  std::string name;
  std::string_view bytes;
};

/// Where the file is whole, but of a version that its reader does not know yet.
class NewerVersion final : public FormatError {
 public:
  using FormatError::FormatError;
};

/// The whole file in memory, every checksum compared.
class SectionFile {
 public:
  /// `kind` and `newest` as in save_sections(). Throws IoError; FormatError where it is no such file or is damaged; NewerVersion.
  SectionFile(const std::string& path, const std::string& kind, uint32_t newest);

  size_t size() const { return sections_.size(); }
  /// Section `number` from 0. Throws FormatError where it is not there or has another name.
  std::string_view at(size_t number, const std::string& name) const;

 private:
  void read_table();

  std::string path_, bytes_;
  std::vector<NamedBytes> sections_;
};

/// Writes them as write_file() does. `kind`: four characters that tell such files from others; `version`: of what the sections mean.
void save_sections(const std::string& path, const std::string& kind, uint32_t version,
                   const std::vector<NamedBytes>& sections);

}  // namespace plexus::io

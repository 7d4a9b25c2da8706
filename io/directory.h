// Directory: a folder of files that one run at a time writes. Private.
#pragma once
#include <string>
#include <vector>

namespace plexus::io {

class Directory {
 public:
  /// Makes it, with those above it, where it is not there, and removes temporary files that killed processes have left.
  /// Throws IoError where that fails, it may not be written to, or another Directory holds it, in this process or another.
  explicit Directory(const std::string& path);
  ~Directory();
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  const std::string& path() const { return path_; }
  std::string path(const std::string& name) const { return path_ + "/" + name; }
  /// Of the files in it, sorted.
  std::vector<std::string> names() const;
  /// Where it cannot, nothing happens.
  void remove(const std::string& name) const;

 private:
  std::string path_;
  int descriptor_ = -1;
};

}  // namespace plexus::io

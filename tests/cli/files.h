// Files that the tests of the command give it to read, and what it wrote.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace plexus::test {

/// A directory that is removed with everything in it.
class Directory {
 public:
  Directory();
  ~Directory();
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  std::string path(const std::string& name = "") const { return name.empty() ? path_ : path_ + "/" + name; }
  /// Writes a file and returns its path.
  std::string write(const std::string& name, const std::string& contents) const;
  /// A table of two well separated classes in two feature columns: rows of "x,y,label", labels "a" and "b".
  std::string write_classes(const std::string& name, int rows) const;
  /// <part>-images-idx3-ubyte and <part>-labels-idx1-ubyte: 8 x 8 images, bright in the half that their label (0, 1) names.
  void write_images(const std::string& part, const std::vector<uint8_t>& labels) const;

 private:
  std::string path_;
};

/// Fisher's, with names of its columns and classes.
inline const std::string iris = PLEXUS_SOURCE_DIR "/examples/data/iris.csv";

/// All bytes of a file; "" where it cannot be read.
std::string read_file(const std::string& path);
/// How often `part` is in `text`.
size_t count(const std::string& text, const std::string& part);
/// Whether reports can be drawn here.
bool has_matplotlib();

/// The bytes of an IDX file of u8.
std::string idx(const std::vector<uint32_t>& shape, const std::vector<uint8_t>& values);

}  // namespace plexus::test

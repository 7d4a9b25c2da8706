// NpyMap: the elements of a .npy file, mapped into memory. Private.
#pragma once
#include <sys/stat.h>

#include <string>

#include "plexus/core/dtype.h"
#include "plexus/core/shape.h"
#include "plexus/io/file.h"

namespace plexus::io {

/// Read-only, and read by the system as it is used; the header is read at once. A file that another program shortens in the
/// meantime ends this one (SIGBUS) where elements are used that are gone; other changes are seen or not. `require_unchanged`
/// tells either, later.
class NpyMap {
 public:
  /// Throws IoError; FormatError where it is no .npy file, or one that cannot be mapped: of other elements than f4, f8 and u1
  /// in this machine's byte order, or in Fortran order.
  explicit NpyMap(const std::string& path);
  ~NpyMap();
  NpyMap(const NpyMap&) = delete;
  NpyMap& operator=(const NpyMap&) = delete;

  const std::string& path() const { return file_.path(); }
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  const std::byte* elements() const { return memory_ + offset_; }

  /// Throws IoError where the file has another size or time of change than when it was mapped.
  void require_unchanged() const;

 private:
  InputFile file_;
  struct stat status_;
  DType dtype_ = DType::f32;
  Shape shape_;
  size_t offset_ = 0, bytes_ = 0;  ///< of the first element; of the whole mapping
  std::byte* memory_ = nullptr;
};

}  // namespace plexus::io

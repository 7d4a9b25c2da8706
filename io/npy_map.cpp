#include "plexus/io/npy_map.h"

#include <sys/mman.h>

#include <cerrno>
#include <system_error>

#include "plexus/core/error.h"
#include "plexus/io/npy_format.h"

namespace plexus::io {

NpyMap::NpyMap(const std::string& path) : file_(path), status_() {
  const NpyLayout layout = read_npy_layout(file_);
  shape_ = layout.shape;
  offset_ = layout.offset;
  const auto refuse = [&](const std::string& found) {
    throw FormatError(
        path, "", "cannot be mapped: " + found + "; load_npy reads it, numpy.ascontiguousarray converts it");
  };
  if (!layout.dtype) refuse("its elements are not f4, f8 or u1 in the byte order of this machine");
  if (layout.fortran_order && shape_.rank() > 1) refuse("it is in Fortran order");
  dtype_ = *layout.dtype;
  int64_t elements = 0;
  if (__builtin_mul_overflow(shape_.elements(), int64_t(size_of(dtype_)), &elements) ||
      uint64_t(elements) != file_.certain())
    throw FormatError(path, "byte " + std::to_string(offset_),
                      "expected " + std::to_string(elements) + " bytes for " + to_string(shape_) +
                          ", found " + std::to_string(file_.certain()));
  bytes_ = offset_ + size_t(elements);
  void* const memory = mmap(nullptr, bytes_, PROT_READ, MAP_SHARED, file_.descriptor(), 0);
  if (memory == MAP_FAILED || fstat(file_.descriptor(), &status_) != 0) {
    const int error = errno;
    if (memory != MAP_FAILED) munmap(memory, bytes_);
    throw IoError(path + ": cannot map: " + std::generic_category().message(error));
  }
  memory_ = static_cast<std::byte*>(memory);
}

NpyMap::~NpyMap() {
  if (memory_) munmap(memory_, bytes_);
}

void NpyMap::require_unchanged() const {
  struct stat now;
  if (fstat(file_.descriptor(), &now) != 0 || now.st_size != status_.st_size ||
      now.st_mtim.tv_sec != status_.st_mtim.tv_sec || now.st_mtim.tv_nsec != status_.st_mtim.tv_nsec)
    throw IoError(path() + ": has changed while it was mapped: results are of old and new rows, start again");
}

}  // namespace plexus::io

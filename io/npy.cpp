#include "plexus/io/npy.h"

#include <array>
#include <string_view>

#include "plexus/io/file.h"
#include "plexus/io/npy_format.h"

namespace plexus {

Tensor load_npy(const std::string& path) {
  io::InputFile file(path);
  return io::read_npy(file);
}

void save_npy(const std::string& path, const Tensor& tensor) {
  const std::string header = io::npy_header("save_npy", tensor);
  const std::array<std::string_view, 2> parts{
      header, {reinterpret_cast<const char*>(tensor.bytes()), tensor.byte_count()}};
  io::write_file(path, parts);
}

}  // namespace plexus

// What libFuzzer made up, as a file.
#pragma once
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "plexus/core/tensor.h"

namespace plexus::fuzz {

/// The path of a file of these bytes, in memory. The next call overwrites it.
inline std::string file_of(const uint8_t* data, size_t size) {
  static const int descriptor = memfd_create("fuzz", MFD_CLOEXEC);
  static const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  if (ftruncate(descriptor, 0) != 0 || pwrite(descriptor, data, size, 0) != ssize_t(size)) std::abort();
  return path;
}

/// Reads every byte, so that sanitizers see what is not there.
inline void touch(const Tensor& tensor) {
  volatile uint8_t sum = 0;
  for (size_t i = 0; i < tensor.byte_count(); ++i) sum = uint8_t(sum + uint8_t(tensor.bytes()[i]));
}

/// Calls `read`, which may refuse what it reads, but not in another way than by an Error.
template <class Read>
int run(const Read& read) {
  try {
    read();
  } catch (const Error& error) {
    if (std::string_view(error.what()).find('\n') != std::string_view::npos) std::abort();  // messages are one line
  }
  return 0;
}

}  // namespace plexus::fuzz

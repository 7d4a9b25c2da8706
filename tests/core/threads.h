// The threads that this process has.
#pragma once
#include <cstddef>
#include <filesystem>

namespace plexus {

inline size_t threads_of_this_process() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) count++;
  return count;
}

}  // namespace plexus

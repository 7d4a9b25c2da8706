// Fork: whether this process was made by fork() from one that had threads. Private to the library.
#pragma once
#include <cstdint>

namespace plexus {

/// How many times fork() has been called between the process that asked first and this one. Whoever starts threads asks, and
/// asks again before it counts on them: another answer means a child, which has none of them.
uint64_t forks();

}  // namespace plexus

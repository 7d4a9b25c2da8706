#include "plexus/backends/abi/host.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>

#include "plexus/core/random.h"

namespace plexus::abi {
namespace {

constexpr size_t cache_line = 64;

thread_local std::string last_error;  // as errno: between a plugin's function and the adapter that called it

// Called from C and from foreign C++: no exception may leave any of these.

void* allocate(void*, size_t bytes, size_t alignment) {
  if ((alignment & (alignment - 1)) != 0) return nullptr;
  alignment = std::max(alignment, cache_line);
  if (bytes > SIZE_MAX - alignment) return nullptr;
  return std::aligned_alloc(alignment, std::max((bytes + alignment - 1) / alignment, size_t(1)) * alignment);
}

void release(void*, void* memory) { std::free(memory); }

plexus_status error(void*, plexus_status status, const char* message) {
  try {
    last_error = message ? message : "";
  } catch (...) {
    last_error.clear();
  }
  return status;
}

void uniform(void*, int64_t seed, uint32_t stream, int64_t step, int64_t begin, int64_t count,
             float* numbers) {
  const RandomStream random(uint64_t(seed), Purpose::dropout, stream, uint32_t(step));
  for (int64_t i = 0; i < count; i++) numbers[i] = random.uniform(uint64_t(begin + i));
}

/// A loop over C bodies: the first status that is not PLEXUS_OK, and what was said about it on whatever
/// thread.
class Loop {
 public:
  Loop(plexus_status (*body)(void*, int64_t, int64_t), void* argument) : body_(body), argument_(argument) {}

  void operator()(int64_t begin, int64_t end) const {
    if (status_.load(std::memory_order_relaxed) != PLEXUS_OK) return;
    plexus_status status = PLEXUS_FAILED;
    try {
      status = body_(argument_, begin, end);
    } catch (...) {
      error(nullptr, PLEXUS_FAILED, "a loop body threw an exception across the C border");
    }
    if (status == PLEXUS_OK) return;
    const std::lock_guard lock(mutex_);
    if (status_.load() != PLEXUS_OK) return;
    status_.store(status);
    message_ = std::move(last_error);
  }
  plexus_status finish() const {
    if (status_.load() != PLEXUS_OK) last_error = std::move(message_);
    return status_.load();
  }

 private:
  plexus_status (*body_)(void*, int64_t, int64_t);
  void* argument_;
  mutable std::mutex mutex_;
  mutable std::atomic<plexus_status> status_ = PLEXUS_OK;
  mutable std::string message_;
};

}  // namespace

void clear_error() { last_error.clear(); }
std::string take_error() { return std::exchange(last_error, {}); }

Host::Host(HostOptions options) : options_(std::move(options)), c_() {
  c_ = {.struct_size = sizeof(plexus_host),
        .major = PLEXUS_ABI_MAJOR,
        .minor = PLEXUS_ABI_MINOR,
        .reserved = 0,
        .self = this,
        .allocate = allocate,
        .release = release,
        .threads = threads,
        .parallel_for = parallel_for,
        .log = log,
        .error = error,
        .option = option,
        .uniform = uniform};
}

int32_t Host::threads(void* pointer) {
  const auto& executor = self(pointer).options_.executor;
  return executor ? executor->threads() : 1;
}

plexus_status Host::parallel_for(void* pointer, int64_t count, int64_t grain,
                                 plexus_status (*body)(void*, int64_t, int64_t), void* argument) {
  const Loop loop(body, argument);
  try {
    if (const auto& executor = self(pointer).options_.executor)
      executor->parallel_for(count, grain, loop);
    else if (count > 0)
      loop(0, count);
  } catch (const std::exception& problem) {
    return error(nullptr, PLEXUS_INVALID_ARGUMENT, problem.what());
  } catch (...) {
    return error(nullptr, PLEXUS_FAILED, "parallel_for failed");
  }
  return loop.finish();
}

void Host::log(void* pointer, int32_t level, const char* line) {
  const HostOptions& options = self(pointer).options_;
  if (!options.sink || !line || level < PLEXUS_LOG_WARNING || level > options.verbose) return;
  try {
    options.sink(LogLevel(level), line);
  } catch (...) {  // a sink that throws must not unwind through a plugin
  }
}

const char* Host::option(void* pointer, const char* name) {
  const auto& values = self(pointer).options_.values;
  if (!name) return nullptr;
  try {
    const auto found = values.find(name);
    return found == values.end() ? nullptr : found->second.c_str();
  } catch (...) {
    return nullptr;
  }
}

}  // namespace plexus::abi

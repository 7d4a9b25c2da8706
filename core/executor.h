// Executor: the threads of one context. Everything parallel in Plexus runs on one.
#pragma once
#include <cstdint>
#include <memory>
#include <mutex>
#include <type_traits>

#include "plexus/export.h"

namespace plexus {

class Profile;
class Team;

/// Runs loops on a fixed number of threads (the caller is one of them). Starts no thread before the first loop that needs one;
/// soon after the last loop they all sleep. Safe to use from many threads at once and from inside its own loops. In a child that
/// fork() made after that first loop, all loops run on the caller: the threads stayed in the parent.
class PLEXUS_EXPORT Executor {
 public:
  /// `threads` >= 1, the caller included; 0: available_threads(). Throws ArgumentError above 1024. `profile`: where threads that
  /// help with an operation are recorded, if anywhere.
  explicit Executor(int threads = 0, std::shared_ptr<Profile> profile = nullptr);
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  int threads() const { return threads_; }

  /// Calls body(begin, end) for pieces that cover [0, count) once. Piece boundaries are multiples of `grain` (>= 1) and
  /// do not depend on the number of threads. One piece, or one thread: runs on the caller, in ascending order.
  /// Rethrows the first exception of the body. Allocates nothing of its own.
  template <class Body>
  void parallel_for(int64_t count, int64_t grain, const Body& body) const {
    run(count, grain, &body, [](const void* b, int64_t begin, int64_t end) { (*static_cast<const Body*>(b))(begin, end); });
  }

  /// The grain that makes as many even pieces as there are threads, none below `least` (>= 1). What loops over the same rows
  /// touch then stays in the same caches. For bodies whose results do not depend on where the pieces end.
  int64_t even_grain(int64_t count, int64_t least) const;

  /// The CPUs this process may use: affinity mask, then cgroup quota (v1 and v2), rounded up. At least 1.
  static int available_threads();

 private:
  using Piece = void (*)(const void* body, int64_t begin, int64_t end);
  void run(int64_t count, int64_t grain, const void* body, Piece piece) const;

  int threads_;
  std::shared_ptr<Profile> profile_;
  mutable std::once_flag once_;
  mutable std::unique_ptr<Team> team_;  ///< from the first loop on that needs one; null also where no thread is to be had
};

}  // namespace plexus

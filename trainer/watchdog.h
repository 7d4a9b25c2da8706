// Watchdog: runs what may never come back on a thread that can be left behind. Private.
#pragma once
#include <chrono>
#include <functional>
#include <memory>

namespace plexus {

/// One thread for all jobs, since a backend's own threads often belong to the thread that calls it.
class Watchdog {
 public:
  using Duration = std::chrono::duration<double>;

  Watchdog();
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// Runs the job, which shares what it uses. Rethrows what it throws. False: it took longer than `limit`, and goes on by itself, on a thread
  /// that nobody waits for; the next job has another.
  bool run(std::function<void()> job, Duration limit);

 private:
  struct Worker;
  std::shared_ptr<Worker> worker_;
};

}  // namespace plexus

#include "plexus/trainer/watchdog.h"

#include <signal.h>

#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace plexus {

/// Shared by the thread and who waits for it: whoever goes last takes it along.
struct Watchdog::Worker {
  std::mutex mutex;
  std::condition_variable changed;
  std::function<void()> job;
  std::exception_ptr failure;
  bool busy = false, stop = false;
  std::thread thread;

  void work() {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [&] { return busy || stop; });
      if (!busy) return;
      lock.unlock();
      std::exception_ptr caught;
      try {
        job();
      } catch (...) {
        caught = std::current_exception();
      }
      job = nullptr;  // what it held goes here, on this thread
      lock.lock();
      failure = caught;
      busy = false;
      changed.notify_all();
    }
  }
};

Watchdog::Watchdog() = default;

Watchdog::~Watchdog() {
  if (!worker_) return;
  {
    const std::lock_guard lock(worker_->mutex);
    worker_->stop = true;
  }
  worker_->changed.notify_all();
  worker_->thread.join();
}

bool Watchdog::run(std::function<void()> job, Duration limit) {
  if (!worker_) {
    const auto worker = std::make_shared<Worker>();
    // Signals are for the threads of the program.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      worker->thread = std::thread([worker] { worker->work(); });
      worker_ = worker;
    } catch (const std::system_error&) {
      // No thread to be had: nobody watches.
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (!worker_) {
      job();
      return true;
    }
  }
  std::unique_lock lock(worker_->mutex);
  worker_->job = std::move(job);
  worker_->busy = true;
  worker_->changed.notify_all();
  // More than a day would overflow the clock, and means: as long as it takes.
  const auto done = [&] { return !worker_->busy; };
  if (limit > std::chrono::hours(24))
    worker_->changed.wait(lock, done);
  else if (!worker_->changed.wait_for(lock, limit, done)) {
    worker_->stop = true;  // should it ever come back
    worker_->thread.detach();
    lock.unlock();
    worker_.reset();
    return false;
  }
  if (const std::exception_ptr failure = std::exchange(worker_->failure, nullptr)) std::rethrow_exception(failure);
  return true;
}

}  // namespace plexus

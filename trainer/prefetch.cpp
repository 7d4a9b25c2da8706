#include "plexus/trainer/prefetch.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

namespace plexus {
namespace {

// Bytes that are read ahead at most: what a slow disk (100 MB/s) delivers in two thirds of a second, and
// little beside the memory of any machine.
constexpr int64_t ahead_bytes = int64_t(64) << 20;
// Rows that are asked for together: enough requests at once to keep a disk busy.
constexpr int64_t rows_at_once = 64;

int64_t faults_of_thread() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_majflt;
}

/// Whole pages around some bytes.
std::span<const std::byte> pages_around(std::span<const std::byte> bytes) {
  static const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto first = reinterpret_cast<uintptr_t>(bytes.data()) / page * page;
  return {reinterpret_cast<const std::byte*>(first),
          reinterpret_cast<uintptr_t>(bytes.data()) + bytes.size() - first};
}

}  // namespace

Prefetch::Prefetch(const Dataset& data, std::span<const int64_t> order) : data_(data), order_(order) {
  if (!data.mapped() || order.empty()) return;
  const auto row_bytes = static_cast<int64_t>(data.row_bytes(order[0]).size());
  ahead_ = std::max(4 * rows_at_once, ahead_bytes / std::max<int64_t>(row_bytes, 1));
  // Signals are for the threads of the program.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error&) {
    // No thread to be had: rows are read when they are used.
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Prefetch::~Prefetch() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  room_.notify_one();
  thread_.join();
}

void Prefetch::advance(int64_t rows) {
  used_.store(rows);
  if (rows < wake_at_.load()) return;
  { const std::lock_guard lock(mutex_); }  // it is asleep, or has not decided yet and will see the rows
  room_.notify_one();
}

/// False where it shall stop. Woken up rarely: when half of what may be ahead has been used.
bool Prefetch::wait_for_room(int64_t next) {
  if (next < used_.load() + ahead_) return !stop_;
  std::unique_lock lock(mutex_);
  wake_at_.store(next - ahead_ / 2);
  room_.wait(lock, [&] { return stop_ || used_.load() >= next - ahead_ / 2; });
  wake_at_.store(INT64_MAX);
  return !stop_;
}

/// Uses a byte of every page of these rows. Returns how often the disk had to be waited for.
int64_t Prefetch::major_faults(int64_t first, int64_t last) const {
  const int64_t before = faults_of_thread();
  for (int64_t i = first; i < last && !stop_; ++i) {
    const std::span<const std::byte> row = data_.row_bytes(order_[static_cast<size_t>(i)]);
    for (size_t at = 0; at < row.size(); at += 4096)  // pages are no smaller
      static_cast<void>(*static_cast<const volatile std::byte*>(row.data() + at));
    if (!row.empty()) static_cast<void>(*static_cast<const volatile std::byte*>(row.data() + row.size() - 1));
  }
  return faults_of_thread() - before;
}

void Prefetch::run() {
  // Requests cost a call each: they are worth it only where the last rows came from the disk.
  bool from_disk = true;
  for (int64_t next = 0; next < static_cast<int64_t>(order_.size());) {
    if (!wait_for_room(next)) return;
    next = std::max(next, used_.load());  // what has been used already need not be read
    const int64_t last = std::min<int64_t>(next + rows_at_once, static_cast<int64_t>(order_.size()));
    if (from_disk)
      for (int64_t i = next; i < last; ++i) {
        const auto pages = pages_around(data_.row_bytes(order_[static_cast<size_t>(i)]));
        madvise(const_cast<std::byte*>(pages.data()), pages.size(), MADV_WILLNEED);
      }
    from_disk = major_faults(next, last) > 0;
    next = last;
  }
}

}  // namespace plexus

// Prefetch: rows of a mapped file, read before they are used. Private.
#pragma once
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <span>
#include <thread>

#include "plexus/export.h"
#include "plexus/trainer/dataset.h"

namespace plexus {

/// Reads the rows of one epoch in their order, some way ahead of training, on a thread of its own: it computes nothing and
/// waits for the disk most of the time. Changes no value: without it the same rows are read when they are used.
class PLEXUS_EXPORT Prefetch {
 public:
  /// `data` and `order` outlive it. Nothing happens for data that are in memory.
  Prefetch(const Dataset& data, std::span<const int64_t> order);
  ~Prefetch();
  Prefetch(const Prefetch&) = delete;
  Prefetch& operator=(const Prefetch&) = delete;

  /// So many rows of the order have been used.
  void advance(int64_t rows);

 private:
  void run();
  bool wait_for_room(int64_t next);
  int64_t major_faults(int64_t first, int64_t last) const;

  const Dataset& data_;
  std::span<const int64_t> order_;
  int64_t ahead_ = 0;                  ///< rows that it may be ahead
  std::atomic<int64_t> used_ = 0, wake_at_ = INT64_MAX;
  std::atomic<bool> stop_ = false;
  std::mutex mutex_;
  std::condition_variable room_;
  std::thread thread_;
};

}  // namespace plexus

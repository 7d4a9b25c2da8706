// How many threads oneDNN uses.
#pragma once

// From the OpenMP runtime that oneDNN brings along. Weak: a oneDNN that was built on other threads brings none, and the
// compiler that builds this file may have another runtime, which must not come in as a second one.
extern "C" {
[[gnu::weak]] void omp_set_num_threads(int);
[[gnu::weak]] int omp_get_max_threads();
}

namespace plexus::onednn {

/// While it lives, parallel regions that this thread opens have `threads` threads; then as many as before.
class ThreadCount {
 public:
  explicit ThreadCount(int threads) {
    if (!omp_set_num_threads || !omp_get_max_threads) return;
    before_ = omp_get_max_threads();
    omp_set_num_threads(threads);
  }
  ~ThreadCount() {
    if (before_ > 0) omp_set_num_threads(before_);
  }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;

 private:
  int before_ = 0;
};

}  // namespace plexus::onednn

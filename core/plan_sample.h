// Which kernels of a plan are looked at beside the reference, where only a sample is. Private to the core.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace plexus {

/// Counts runs of kernels, and spreads one in `interval` over the rows of a plan in turn.
class PlanSampler {
 public:
  using Clock = std::chrono::steady_clock;

  /// How many rows of the run that comes are to be looked at, from first() on, beginning again behind the last.
  size_t due(size_t rows, int64_t interval);
  size_t first() const { return first_; }
  /// After these were: how long it took, and where to go on.
  void looked_at(size_t count, Clock::duration cost);

 private:
  int64_t credit_ = 0;  // runs of kernels since the last that was looked at
  size_t first_ = 0;
  Clock::duration cost_{};
  Clock::time_point ended_{};
};

}  // namespace plexus

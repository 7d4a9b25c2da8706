#include "plexus/bench/loop_cost.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

#include "plexus/core/executor.h"
#include "plexus/core/limit_loops.h"

namespace plexus::bench {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + ptrdiff_t(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Microseconds of a loop with a piece for every thread beyond those of one piece. The pieces do something:
/// an empty one is over before a second thread hears of it.
double loop_cost(const Executor& executor, Isa isa, double piece_seconds, std::chrono::milliseconds idle,
                 int loops) {
  const LimitLoops& table = limit_loops(isa);
  const auto work = [&](int64_t rounds) { benchmark::DoNotOptimize(table.multiply_add(rounds)); };
  constexpr int64_t probe = 10000;
  work(probe);
  Clock::time_point begin = Clock::now();
  work(probe);
  const int64_t rounds = std::max<int64_t>(1, int64_t(probe * piece_seconds / seconds_since(begin)));
  std::vector<double> alone, together;
  for (int i = 0; i < loops; i++) {
    begin = Clock::now();
    work(rounds);
    alone.push_back(seconds_since(begin));
  }
  for (int i = 0; i < loops; i++) {
    if (idle.count() > 0) std::this_thread::sleep_for(idle);
    begin = Clock::now();
    executor.parallel_for(executor.threads(), 1, [&](int64_t first, int64_t last) {
      for (int64_t piece = first; piece < last; piece++) work(rounds);
    });
    together.push_back(seconds_since(begin));
  }
  return std::max(0.0, 1e6 * (median(together) - median(alone)));
}

}  // namespace

LoopCost measure_loop_cost(int threads, Isa most) {
  // A piece must outlast the waking of a thread, else the caller does all of them: 2 microseconds where it is
  // awake, up to 200 where it sleeps.
  const Executor executor(threads);
  using std::chrono::milliseconds;
  return {.hot = loop_cost(executor, most, 20e-6, milliseconds(0), 301),
          .cold = loop_cost(executor, most, 500e-6, milliseconds(3), 31)};
}

}  // namespace plexus::bench

#include "plexus/core/limits.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <limits>
#include <memory>
#include <thread>
#include <utility>

#include "plexus/core/limit_loops.h"
#include "plexus/core/tensor.h"

namespace plexus {
namespace {

using Clock = std::chrono::steady_clock;

// Long beside what reading the clock takes, and short beside a time slice of the system: some of the tries
// are not interrupted.
constexpr double try_seconds = 2e-3;
constexpr int tries = 9;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// The result of a loop, used by nobody else.
void keep(float value) {
  volatile float kept = value;
  static_cast<void>(kept);
}

/// Lets all threads through at once; they wait awake, since waking takes as long as what is measured.
class StartingLine {
 public:
  explicit StartingLine(int threads) : threads_(threads) {}
  void arrive() {
    const int round = (arrived_.fetch_add(1) / threads_ + 1) * threads_;
    while (arrived_.load() < round) std::this_thread::yield();
  }

 private:
  const int threads_;
  std::atomic<int> arrived_ = 0;
};

/// Work of one thread: a pass does it once.
struct Work {
  double amount = 0;  ///< of one pass, in the unit whose rate is wanted
  std::function<void()> pass;
};

/// How often the work of all threads is done in a second, times its amount. Every thread prepares its own
/// work, and so touches its memory first.
double best_rate(int threads, const std::function<Work()>& prepare) {
  StartingLine line(threads);
  const auto count = static_cast<size_t>(threads);
  std::vector<double> begin(count), end(count), amount(count);
  double best = 0;
  const Clock::time_point origin = Clock::now();
  const auto run = [&](size_t thread) {
    const Work work = prepare();
    // Enough passes for a try, counted on a warm pass.
    work.pass();
    const Clock::time_point warm = Clock::now();
    work.pass();
    const int64_t passes = std::max<int64_t>(1, int64_t(try_seconds / std::max(seconds_since(warm), 1e-9)));
    amount[thread] = double(passes) * work.amount;
    for (int i = 0; i < tries; i++) {
      line.arrive();
      begin[thread] = seconds_since(origin);
      for (int64_t p = 0; p < passes; p++) work.pass();
      end[thread] = seconds_since(origin);
      line.arrive();
      if (thread != 0) continue;
      double total = 0;
      for (const double a : amount) total += a;
      const double time =
          *std::max_element(end.begin(), end.end()) - *std::min_element(begin.begin(), begin.end());
      best = std::max(best, total / time);
    }
  };
  std::vector<std::jthread> others;
  for (int i = 1; i < threads; i++) others.emplace_back(run, size_t(i));
  run(0);
  return best;
}

double multiply_add_rate(int threads, Isa isa) {
  const LimitLoops& loops = limit_loops(isa);
  static constexpr int64_t rounds = 1000;  // some 10 microseconds: what is called between does not count
  return 1e-9 * best_rate(threads, [&] {
           return Work{double(rounds * loops.flop),
                       [&loops] { keep(loops.multiply_add(rounds)); }};
         });
}

/// `bytes` of each thread.
double read_rate(int threads, Isa isa, double bytes) {
  const LimitLoops& loops = limit_loops(isa);
  const int64_t count = std::max<int64_t>(256, int64_t(bytes) / 4 / 256 * 256);
  return 1e-9 * best_rate(threads, [&, count] {
           auto data = std::make_shared<Tensor>(DType::f32, Shape{count});
           return Work{double(4 * count), [&loops, data, count] {
                         keep(loops.read(data->values<float>().data(), count));
                       }};
         });
}

/// Those that this machine has, up to `most`.
std::vector<Isa> instruction_sets(Isa most) {
  std::vector<Isa> result;
  for (const Isa isa : {Isa::scalar, Isa::neon, Isa::avx2, Isa::avx512}) {
    // On Arm the vector code is that of the build, whatever the cap.
    const bool there = cpu().isa == Isa::neon ? isa == Isa::neon : isa != Isa::neon;
    if (there && (isa <= most || cpu().isa == Isa::neon)) result.push_back(isa);
  }
  return result;
}

}  // namespace

namespace {

// Of a last-level cache of which only the size in the whole package is told: no core of the CPUs that have more reaches less.
constexpr double reachable_l3 = 16 << 20;

/// What the C library knows of the CPU itself, where the system tells nothing, as in some virtual machines.
std::map<std::string, double> cache_sizes_of_library() {
  std::map<std::string, double> sizes;
#ifdef _SC_LEVEL1_DCACHE_SIZE
  const std::pair<const char*, int> keys[] = {
      {"l1", _SC_LEVEL1_DCACHE_SIZE}, {"l2", _SC_LEVEL2_CACHE_SIZE}, {"l3", _SC_LEVEL3_CACHE_SIZE}};
  for (const auto& [name, key] : keys)
    if (const long size = sysconf(key); size > 0) sizes[name] = double(size);
  if (const auto l3 = sizes.find("l3"); l3 != sizes.end()) l3->second = std::min(l3->second, reachable_l3);
#endif
  return sizes;
}

}  // namespace

std::map<std::string, double> cache_sizes() {
  std::map<std::string, double> sizes;
  for (int i = 0;; i++) {
    const std::string folder = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(i) + "/";
    const auto read = [&](const char* name) {
      std::string word;
      std::ifstream(folder + name) >> word;
      return word;
    };
    const std::string level = read("level"), size = read("size");  // "2", "1024K"
    if (level.empty()) return sizes.empty() ? cache_sizes_of_library() : sizes;
    if (size.empty() || read("type") == "Instruction") continue;
    const double unit = size.back() == 'K' ? 1024 : size.back() == 'M' ? 1024 * 1024 : 1;
    sizes["l" + level] = unit * std::strtod(size.c_str(), nullptr);
  }
}

double Limits::arithmetic() const {
  double best = 0;
  for (const auto& [isa, rate] : multiply_add) best = std::max(best, rate);
  return best;
}

const Limits::Level& Limits::level(double working_set) const {
  for (const Level& level : levels)
    if (working_set <= level.capacity) return level;
  return levels.back();
}

double Limits::seconds(const Cost& cost) const {
  return 1e-9 * std::max(cost.flop / arithmetic(), cost.bytes / level(cost.working_set).bandwidth);
}

Limits measure_limits(int threads, Isa most) {
  Limits limits;
  limits.threads = threads;
  const std::vector<Isa> sets = instruction_sets(most);
  for (const Isa isa : sets) limits.multiply_add[isa] = multiply_add_rate(threads, isa);
  double largest = 0;
  for (const auto& [name, size] : cache_sizes()) {  // in the order of their names
    const double copies = name == "l3" ? 1 : threads;
    limits.levels.push_back(
        {name, copies * size, read_rate(threads, sets.back(), copies * size / 2 / threads)});
    largest = std::max(largest, copies * size);
  }
  // Four times what the last level holds, so that hardly anything is found there on the next pass.
  const double beyond = std::max(4 * largest, 64e6);
  limits.levels.push_back(
      {"dram", std::numeric_limits<double>::infinity(), read_rate(threads, sets.back(), beyond / threads)});
  return limits;
}

}  // namespace plexus

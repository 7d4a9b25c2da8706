#include "plexus/core/executor.h"

#include <sched.h>
#include <tbb/global_control.h>
#include <tbb/info.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <latch>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "plexus/core/cgroup.h"
#include "plexus/core/error.h"
#include "plexus/core/fork.h"
#include "plexus/core/profile.h"

namespace plexus {
namespace {

/// More is a mistake, not a machine that Plexus was made for.
constexpr int most_threads = 1024;

int affinity_count() {
  // A fixed cpu_set_t ends at 1024 CPUs; the kernel refuses masks that are too short for the machine.
  for (size_t cpus = CPU_SETSIZE; cpus <= CPU_SETSIZE * 64; cpus *= 2) {
    std::vector<cpu_set_t> mask(cpus / CPU_SETSIZE);
    const size_t bytes = mask.size() * sizeof(cpu_set_t);
    if (sched_getaffinity(0, bytes, mask.data()) == 0) return CPU_COUNT_S(bytes, mask.data());
  }
  return 1;
}

int checked(int threads) {
  if (threads < 0 || threads > most_threads)
    throw ArgumentError("executor: " + std::to_string(threads) + " threads, must lie between 1 and " +
                        std::to_string(most_threads) + ", or be 0 for all that are available");
  return threads == 0 ? Executor::available_threads() : threads;
}

/// What forks() was when this process, or the one that it is a copy of, first started threads; -1: never.
std::atomic<int64_t> threads_started = -1;

/// The threads stayed behind in the parent, with whatever locks they held: a child must not wait for them.
bool threads_left_behind() {
  const int64_t started = threads_started.load(std::memory_order_relaxed);
  return started >= 0 && uint64_t(started) != forks();
}

/// oneTBB makes no more threads than CPUs unless told so; who asks for more (to test, say) shall have them.
/// Of all that it is told at one time it takes the least, so this process tells it once: the most that any
/// arena wants.
class MoreThreads {
 public:
  explicit MoreThreads(int threads) : threads_(threads) {
    const std::lock_guard lock(wishes().mutex);
    wishes().threads.insert(threads_);
    tell();
  }
  ~MoreThreads() {
    const std::lock_guard lock(wishes().mutex);
    wishes().threads.erase(wishes().threads.find(threads_));
    tell();
  }
  MoreThreads(const MoreThreads&) = delete;
  MoreThreads& operator=(const MoreThreads&) = delete;

 private:
  struct Wishes {
    std::mutex mutex;
    std::multiset<int> threads;
    std::optional<tbb::global_control> control;
  };
  /// Never destroyed: contexts may live as long as the process.
  static Wishes& wishes() {
    static Wishes* const all = new Wishes;
    return *all;
  }
  static void tell() {
    Wishes& all = wishes();
    all.control.reset();
    if (!all.threads.empty())
      all.control.emplace(tbb::global_control::max_allowed_parallelism, size_t(*all.threads.rbegin()));
  }

  int threads_;
};

/// Of so many threads, how many the system would make beside the caller's now. oneTBB ends the process where it gets fewer than
/// it asks for (a limit on processes or memory), so somebody has to ask before.
int threads_to_have(int threads) {
  std::vector<std::thread> others;
  std::latch done(1);
  try {
    others.reserve(size_t(threads - 1));
    while (int(others.size()) < threads - 1) others.emplace_back([&] { done.wait(); });
  } catch (const std::exception&) {  // no more; or no memory
  }
  done.count_down();
  for (std::thread& other : others) other.join();
  return int(others.size()) + 1;
}

}  // namespace

struct Executor::Arena {
  std::once_flag once;
  std::optional<MoreThreads> more_threads;
  std::optional<tbb::task_arena> arena;

  /// Null: there are no other threads to be had.
  tbb::task_arena* get(int threads) {
    std::call_once(once, [&] {
      threads = threads_to_have(threads);
      if (threads == 1) return;
      int64_t never = -1;
      threads_started.compare_exchange_strong(never, int64_t(forks()));
      if (threads > tbb::info::default_concurrency()) more_threads.emplace(threads);
      arena.emplace(threads);
    });
    return arena ? &*arena : nullptr;
  }
};

Executor::Executor(int threads, std::shared_ptr<Profile> profile)
    : threads_(checked(threads)), arena_(std::make_unique<Arena>()), profile_(std::move(profile)) {}
Executor::~Executor() = default;

int Executor::available_threads() {
  std::ifstream file("/proc/self/cgroup");
  const std::string membership(std::istreambuf_iterator<char>(file), {});
  const double quota = std::ceil(cgroup::available(membership, "/sys/fs/cgroup"));
  return std::max(1, int(std::min<double>({double(affinity_count()), quota, double(most_threads)})));
}

void Executor::run(int64_t count, int64_t grain, const void* body, Piece piece) const {
  if (grain < 1) throw ArgumentError("parallel_for: grain " + std::to_string(grain) + ", must be at least 1");
  if (count <= 0) return;
  const int64_t pieces = (count - 1) / grain + 1;
  const auto run_piece = [=](int64_t i) {
    piece(body, i * grain, i == pieces - 1 ? count : (i + 1) * grain);
  };
  const auto run_alone = [&] {
    for (int64_t i = 0; i < pieces; i++) run_piece(i);
  };
  if (threads_ == 1 || pieces == 1 || threads_left_behind()) return run_alone();
  // One task a thread, each taking the next piece until none is left: as even as one task a piece, with less
  // to allocate, spawn and steal.
  std::atomic<int64_t> next = 0;
  const auto take_pieces = [&] {
    bool any = false;
    try {
      for (int64_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < pieces; any = true) run_piece(i);
    } catch (...) {
      next.store(pieces, std::memory_order_relaxed);  // the others stop at their next piece
      throw;
    }
    return any;
  };
  const std::string* const operation = profile_ ? ProfileSpan::operation() : nullptr;
  const auto help = [&] {
    const int64_t begin = operation ? profile_->now() : 0;
    if (!take_pieces() || !operation) return;
    const ProfileEvent event{.text = operation, .begin = begin, .end = profile_->now()};
    profile_->record({&event, 1}, true);
    profile_->pay(profile_->now() - event.end, 0);
  };
  const int tasks = int(std::min<int64_t>(pieces, threads_));
  // Where the system has no thread or no memory for one more, the caller does the work of those that did not come.
  bool entered = false;
  const auto share = [&] {
    entered = true;
    // Isolated: a thread that waits for a nested loop takes none of the outer one, whose body may hold a
    // lock.
    tbb::this_task_arena::isolate([&] {
      // A group, not tbb::parallel_for: there the caller was seen to run all tasks of short loops, round
      // after round.
      tbb::task_group others;
      std::exception_ptr problem;
      try {
        try {
          for (int i = 1; i < tasks; i++) others.run(help);
        } catch (...) {  // of oneTBB: bodies report at wait()
        }
        take_pieces();
      } catch (...) {
        problem = std::current_exception();
      }
      others.wait();
      if (problem) std::rethrow_exception(problem);
    });
  };
  tbb::task_arena* const arena = arena_->get(threads_);
  if (!arena) return run_alone();
  try {
    arena->execute(share);
  } catch (...) {
    if (entered) throw;
    run_alone();
  }
}

}  // namespace plexus

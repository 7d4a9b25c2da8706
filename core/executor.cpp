#include "plexus/core/executor.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <vector>

#include "plexus/core/cgroup.h"
#include "plexus/core/error.h"
#include "plexus/core/fork.h"
#include "plexus/core/team.h"

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

}  // namespace

Executor::Executor(int threads, std::shared_ptr<Profile> profile)
    : threads_(checked(threads)), profile_(std::move(profile)) {}
Executor::~Executor() {
  if (team_ && threads_left_behind()) static_cast<void>(team_.release());  // nobody comes to whom it could say goodbye
}

int Executor::available_threads() {
  std::ifstream file("/proc/self/cgroup");
  const std::string membership(std::istreambuf_iterator<char>(file), {});
  const double quota = std::ceil(cgroup::available(membership, "/sys/fs/cgroup"));
  return std::max(1, int(std::min<double>({double(affinity_count()), quota, double(most_threads)})));
}

int64_t Executor::even_grain(int64_t count, int64_t least) const {
  const int64_t pieces = std::clamp<int64_t>(count / std::max<int64_t>(1, least), 1, threads_);
  return std::max<int64_t>(1, (count - 1) / pieces + 1);
}

void Executor::run(int64_t count, int64_t grain, const void* body, Piece piece) const {
  if (grain < 1) throw ArgumentError("parallel_for: grain " + std::to_string(grain) + ", must be at least 1");
  if (count <= 0) return;
  if (threads_ > 1 && count > grain && !threads_left_behind()) {
    std::call_once(once_, [&] {
      team_ = Team::start(threads_, profile_.get());
      int64_t never = -1;
      if (team_) threads_started.compare_exchange_strong(never, int64_t(forks()));
    });
    if (team_ && team_->run(count, grain, body, piece)) return;
  }
  for (int64_t begin = 0; begin < count;) {
    const int64_t end = count - begin > grain ? begin + grain : count;
    piece(body, begin, end);
    begin = end;
  }
}

}  // namespace plexus

#include "plexus/core/team.h"

#include <tbb/global_control.h>
#include <tbb/info.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <exception>
#include <latch>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "plexus/core/executor.h"
#include "plexus/core/profile.h"

namespace plexus {
namespace {

/// How long a helper looks out for the next loop. On virtual machines 12 us were measured until a thread came that had slept for
/// 0.3 ms, 90 us after 3 ms, and 800 us where the whole machine had slept: who waits as long as it takes to come back spends
/// at most twice the time that the best choice would have taken.
constexpr std::chrono::microseconds linger(200);

/// Looks between two yields: a few microseconds, after which whoever else wants the processor gets it.
constexpr int looks = 64;

void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

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

namespace {

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

/// A place for a loop that is being run. Whoever has entered an open one may use all of it until it leaves.
struct alignas(64) Team::Loop {
  std::atomic<bool> owned = false;
  std::atomic<int64_t> state = 0;  ///< 1 while it is open, and 2 for each helper that has entered
  std::atomic<int64_t> next = 0, pieces = 0, left = 0;
  std::atomic<bool> failed = false;
  int64_t count = 0, grain = 1;
  const void* body = nullptr;
  Piece piece = nullptr;
  const std::string* operation = nullptr;  ///< where it is to be recorded
  std::exception_ptr problem;

  void open() {
    failed.store(false, std::memory_order_relaxed);
    left.store(0, std::memory_order_relaxed);
    next.store(1, std::memory_order_relaxed);
    pieces.store((count - 1) / grain + 1, std::memory_order_relaxed);
    state.store(1);
  }

  /// Where it is open and a piece is left.
  bool enter() {
    int64_t now = state.load();
    while (now & 1 && next.load(std::memory_order_relaxed) < pieces.load(std::memory_order_relaxed))
      if (state.compare_exchange_weak(now, now + 2)) return true;
    return false;
  }

  /// Each thread takes the next piece until none is left. The first one is the caller's: where there is one for each of two
  /// threads, data stays with the thread that had it in the loop before. Whether it got any.
  bool take_pieces(bool caller) noexcept {
    const int64_t all = pieces.load(std::memory_order_relaxed);
    bool any = false;
    try {
      const auto take = [&] { return next.fetch_add(1, std::memory_order_relaxed); };
      for (int64_t i = caller ? 0 : take(); i < all; i = take(), any = true)
        piece(body, i * grain, i == all - 1 ? count : (i + 1) * grain);
    } catch (...) {
      next.store(all, std::memory_order_relaxed);  // the others stop at their next piece
      if (!failed.exchange(true)) problem = std::current_exception();
    }
    return any;
  }

  void leave() { left.fetch_add(1, std::memory_order_release); }

  /// Lets nobody in any more and waits for those that are; then the place is free.
  std::exception_ptr close() {
    const int64_t entered = state.exchange(0) / 2;
    for (int look = 1; left.load(std::memory_order_acquire) < entered; look++)
      look % looks ? pause() : std::this_thread::yield();
    std::exception_ptr result = std::exchange(problem, nullptr);
    owned.store(false, std::memory_order_release);
    return result;
  }
};

struct Team::Helpers {
  explicit Helpers(int threads) : arena(threads) {
    if (threads > tbb::info::default_concurrency()) more_threads.emplace(threads);
  }
  /// Who waits does what nobody has begun: none of it is left behind, whether threads have come or not.
  ~Helpers() {
    leave.store(true);
    arena.execute([&] { tasks.wait(); });
  }

  /// As many at one time: those of callers that share the executor, and those within another's piece.
  std::array<Loop, 4> loops;
  std::atomic<int> count = 0;  ///< helpers that are here or on their way
  std::atomic<bool> leave = false;
  std::optional<MoreThreads> more_threads;
  tbb::task_arena arena;
  // Isolated: these outlive the task of somebody else's that may be running when the first of them is made.
  tbb::task_group_context context{tbb::task_group_context::isolated};
  tbb::task_group tasks{context};
};

std::unique_ptr<Team> Team::start(int threads, Profile* profile) {
  threads = threads_to_have(threads);
  return threads == 1 ? nullptr : std::unique_ptr<Team>(new Team(threads, profile));
}

Team::Team(int threads, Profile* profile)
    : threads_(threads),
      lingers_(threads <= Executor::available_threads()),
      profile_(profile),
      helpers_(std::make_unique<Helpers>(threads)) {}

Team::~Team() = default;

bool Team::run(int64_t count, int64_t grain, const void* body, Piece piece) {
  Loop* const loop = place();
  if (!loop) return false;
  loop->count = count, loop->grain = grain, loop->body = body, loop->piece = piece;
  loop->operation = profile_ ? ProfileSpan::operation() : nullptr;
  loop->open();
  summon(std::min<int64_t>(loop->pieces, threads_) - 1);
  loop->take_pieces(true);
  if (const std::exception_ptr problem = loop->close()) std::rethrow_exception(problem);
  return true;
}

/// Null: all are in use.
Team::Loop* Team::place() {
  for (Loop& loop : helpers_->loops)
    if (!loop.owned.load(std::memory_order_relaxed) && !loop.owned.exchange(true, std::memory_order_acquire)) return &loop;
  return nullptr;
}

/// Where there is no memory for one more, the caller does the work of those that do not come. Enqueued, not spawned: of a task
/// that is spawned oneTBB may miss that a thread just went to sleep, and since nobody is called twice, none would ever come.
void Team::summon(int64_t wanted) {
  Helpers& h = *helpers_;
  for (int here = h.count.load(); here < wanted;) {
    if (!h.count.compare_exchange_weak(here, here + 1)) continue;
    try {
      h.arena.enqueue(h.tasks.defer([this] { help(); }));
    } catch (...) {
      h.count--;
      return;
    }
    here++;
  }
}

/// One that this thread has entered; null where none has a piece left.
Team::Loop* Team::find() {
  for (Loop& loop : helpers_->loops)
    if (loop.enter()) return &loop;
  return nullptr;
}

/// What each helper does.
void Team::help() noexcept {
  using Clock = std::chrono::steady_clock;
  Helpers& h = *helpers_;
  Clock::time_point busy = Clock::now();
  for (int look = 1;; look++) {
    Loop* loop = find();
    if (!loop && (!lingers_ || h.leave || (look % looks == 0 && Clock::now() - busy > linger))) {
      // The caller of a loop that opens now counts on this thread, unless it hears first that it has left.
      h.count--;
      loop = find();
      if (!loop) return;
      h.count++;
    }
    if (!loop) {
      look % looks ? pause() : std::this_thread::yield();
      continue;
    }
    const std::string* const operation = loop->operation;
    const int64_t begin = operation ? profile_->now() : 0;
    if (loop->take_pieces(false) && operation) record(*operation, begin);
    loop->leave();
    busy = Clock::now();
    look = 0;
  }
}

void Team::record(const std::string& operation, int64_t begin) noexcept {
  try {
    const ProfileEvent event{.text = &operation, .begin = begin, .end = profile_->now()};
    profile_->record({&event, 1}, true);
    profile_->pay(profile_->now() - event.end, 0);
  } catch (const std::exception&) {  // no memory: one event less
  }
}

}  // namespace plexus

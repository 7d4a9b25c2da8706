#include "plexus/core/executor.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <limits>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "core/message.h"
#include "core/threads.h"
#include "plexus/core/cgroup.h"
#include "plexus/core/error.h"

namespace plexus {
namespace {

using Pieces = std::vector<std::pair<int64_t, int64_t>>;

Pieces pieces(const Executor& executor, int64_t count, int64_t grain) {
  std::mutex mutex;
  Pieces result;
  executor.parallel_for(count, grain, [&](int64_t begin, int64_t end) {
    const std::lock_guard lock(mutex);
    result.emplace_back(begin, end);
  });
  return result;
}

/// Runs one piece a thread, each waiting for all others: false where fewer threads come than the executor
/// has.
bool all_threads_come(const Executor& executor) {
  const int threads = executor.threads();
  std::atomic<int> arrived = 0;
  std::mutex mutex;
  std::set<std::thread::id> ids;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  executor.parallel_for(threads, 1, [&](int64_t, int64_t) {
    {
      const std::lock_guard lock(mutex);
      ids.insert(std::this_thread::get_id());
    }
    arrived++;
    while (arrived < threads && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  });
  return int(ids.size()) == threads;
}

TEST(ExecutorTest, PiecesCoverTheRangeWhateverTheThreads) {
  for (const auto& [count, grain] : std::vector<std::pair<int64_t, int64_t>>{
           {1, 1}, {7, 1}, {7, 3}, {6, 3}, {1000, 7}, {5, 100}, {100, 100}, {101, 100}}) {
    Pieces expected;
    for (int64_t begin = 0; begin < count; begin += grain)
      expected.emplace_back(begin, std::min(count, begin + grain));
    for (const int threads : {1, 2, 3, 4}) {
      Pieces seen = pieces(Executor(threads), count, grain);
      if (threads > 1) std::ranges::sort(seen);  // one thread: in ascending order by itself
      EXPECT_EQ(seen, expected) << count << " by " << grain << " on " << threads;
    }
  }
}

TEST(ExecutorTest, NothingToDo) {
  EXPECT_EQ(pieces(Executor(3), 0, 1), Pieces());
  EXPECT_EQ(pieces(Executor(3), -5, 1), Pieces());
}

TEST(ExecutorTest, CountsUpToTheLargest) {
  constexpr int64_t most = std::numeric_limits<int64_t>::max(), half = int64_t(1) << 62;
  const Executor executor(2);
  EXPECT_EQ(pieces(executor, most, most), (Pieces{{0, most}}));
  Pieces two = pieces(executor, most, half);
  std::ranges::sort(two);
  EXPECT_EQ(two, (Pieces{{0, half}, {half, most}}));
}

TEST(ExecutorTest, OneThreadOrOnePieceRunsOnTheCaller) {
  const auto caller = std::this_thread::get_id();
  const auto here = [&](int64_t, int64_t) { EXPECT_EQ(std::this_thread::get_id(), caller); };
  Executor(1).parallel_for(1000, 1, here);
  Executor(4).parallel_for(1000, 1000, here);
}

TEST(ExecutorTest, ThreadsAreReal) {
  for (const int threads : {2, 3, 4}) EXPECT_TRUE(all_threads_come(Executor(threads))) << threads;
  // Two executors of different size at once.
  const Executor four(4), two(2);
  EXPECT_TRUE(all_threads_come(two));
  EXPECT_TRUE(all_threads_come(four));
  EXPECT_TRUE(all_threads_come(two));
}

// oneTBB takes the least of what it is told: one executor must not take another's threads away.
TEST(ExecutorTest, SmallerOnesBesideItTakeNoThreadsAway) {
  const int cpus = Executor::available_threads();
  const Executor small(cpus + 3), large(cpus + 4);
  EXPECT_TRUE(all_threads_come(small));
  EXPECT_TRUE(all_threads_come(large));
}

TEST(ExecutorTest, StartsNoThreadBeforeItNeedsOne) {
  const size_t before = threads_of_this_process();
  const Executor executor(4), one(1);
  one.parallel_for(100, 1, [](int64_t, int64_t) {});
  executor.parallel_for(100, 100, [](int64_t, int64_t) {});
  EXPECT_EQ(threads_of_this_process(), before);
  EXPECT_TRUE(all_threads_come(executor));
  EXPECT_GE(threads_of_this_process(), 4u);
}

TEST(ExecutorTest, ThreadCount) {
  EXPECT_EQ(Executor(3).threads(), 3);
  EXPECT_EQ(Executor(1024).threads(), 1024);
  EXPECT_EQ(Executor().threads(), Executor::available_threads());
  const std::string limits = " threads, must lie between 1 and 1024, or be 0 for all that are available";
  EXPECT_EQ(message<ArgumentError>([] { Executor(-1); }), "executor: -1" + limits);
  EXPECT_EQ(message<ArgumentError>([] { Executor(1025); }), "executor: 1025" + limits);
}

TEST(ExecutorTest, EvenPieces) {
  const Executor three(3);
  EXPECT_EQ(three.even_grain(99, 1), 33);
  EXPECT_EQ(three.even_grain(100, 1), 34);
  EXPECT_EQ(three.even_grain(100, 40), 50);  // two of at least 40
  EXPECT_EQ(three.even_grain(100, 60), 100);
  EXPECT_EQ(three.even_grain(100, 1000), 100);
  EXPECT_EQ(three.even_grain(2, 0), 1);
  EXPECT_EQ(three.even_grain(0, 5), 1);
}

TEST(ExecutorTest, RefusesAGrainBelowOne) {
  EXPECT_EQ(message<ArgumentError>([] { pieces(Executor(2), 5, 0); }),
            "parallel_for: grain 0, must be at least 1");
}

TEST(ExecutorTest, RethrowsAndGoesOn) {
  for (const int threads : {1, 2, 4}) {
    const Executor executor(threads);
    for (int repetition = 0; repetition < 20; repetition++) {
      const auto fail = [](int64_t begin, int64_t) {
        if (begin == 40) throw DataError("row 40 is damaged");
      };
      EXPECT_EQ(message<DataError>([&] { executor.parallel_for(100, 1, fail); }), "row 40 is damaged");
      std::atomic<int64_t> sum = 0;
      executor.parallel_for(100, 3, [&](int64_t begin, int64_t end) { sum += end - begin; });
      EXPECT_EQ(sum, 100);
    }
  }
}

TEST(ExecutorTest, StopsEarlyAfterAnException) {
  const Executor executor(2);
  std::atomic<int64_t> ran = 0;
  EXPECT_THROW(executor.parallel_for(1'000'000'000, 1,
                                     [&](int64_t, int64_t) {
                                       ran++;
                                       throw DataError("at once");
                                     }),
               DataError);
  EXPECT_LE(ran, 2);
}

TEST(ExecutorTest, LoopsNest) {
  for (const int threads : {1, 2, 4}) {
    const Executor executor(threads);
    std::atomic<int64_t> sum = 0;
    executor.parallel_for(20, 1, [&](int64_t outer, int64_t) {
      executor.parallel_for(30, 4, [&](int64_t begin, int64_t end) {
        executor.parallel_for(end - begin, 1,
                              [&](int64_t inner, int64_t) { sum += 1000 * outer + begin + inner; });
      });
    });
    EXPECT_EQ(sum, 1000 * 190 * 30 + 20 * 435);
  }
}

/// A body may hold a lock over a loop inside it: no thread begins a second piece of the outer loop meanwhile.
TEST(ExecutorTest, WaitingTakesNothingOfTheOuterLoop) {
  const Executor executor(4);
  std::atomic<int> entered_twice = 0;
  for (int repetition = 0; repetition < 20; repetition++) {
    executor.parallel_for(64, 1, [&](int64_t, int64_t) {
      static thread_local bool inside = false;
      if (inside) entered_twice++;
      inside = true;
      executor.parallel_for(
          8, 1, [](int64_t, int64_t) { std::this_thread::sleep_for(std::chrono::microseconds(20)); });
      inside = false;
    });
  }
  EXPECT_EQ(entered_twice, 0);
}

TEST(ExecutorTest, ManyCallersAtOnce) {
  const Executor executor(3);
  std::atomic<int64_t> sum = 0;
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 6; caller++)
    callers.emplace_back([&] {
      for (int i = 0; i < 200; i++)
        executor.parallel_for(50, 3, [&](int64_t begin, int64_t end) { sum += end - begin; });
    });
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(sum, 6 * 200 * 50);
}

// Data stays with the thread that had it in the loop before, where there is a piece for each of two.
TEST(ExecutorTest, TheCallerHasTheFirstPiece) {
  const auto caller = std::this_thread::get_id();
  for (const int threads : {2, 4}) {
    const Executor executor(threads);
    for (int repetition = 0; repetition < 1000; repetition++)
      executor.parallel_for(threads, 1, [&](int64_t begin, int64_t) {
        if (begin == 0) {
          EXPECT_EQ(std::this_thread::get_id(), caller);
        }
      });
  }
}

double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return double(time.tv_sec) + 1e-9 * double(time.tv_nsec);
}

TEST(ExecutorTest, IdleThreadsSleep) {
  const Executor executor(Executor::available_threads()), more(Executor::available_threads() + 2);
  EXPECT_TRUE(all_threads_come(executor));
  EXPECT_TRUE(all_threads_come(more));
  const double before = processor_seconds();
  std::this_thread::sleep_for(std::chrono::seconds(1));
  EXPECT_LT(processor_seconds() - before, 0.1);
}

// A task that oneTBB does not promise to run was lost in one pause of a thousand, where a thread just went to sleep, and its
// helper with it for ever. When that is depends on the machine: on one, 0.3 to 0.4 ms after the last loop.
TEST(ExecutorTest, ThreadsComeBackAfterPausesOfAnyLength) {
  using Clock = std::chrono::steady_clock;
  const Executor executor(2);
  for (int round = 0; round < 6000; round++) {
    ASSERT_TRUE(all_threads_come(executor)) << "after " << round << " pauses";
    const auto end = Clock::now() + std::chrono::microseconds(200 + round % 300);
    while (Clock::now() < end) continue;
  }
}

TEST(AvailableThreadsTest, FollowsTheAffinityMask) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  EXPECT_GE(Executor::available_threads(), 1);
  EXPECT_LE(Executor::available_threads(), CPU_COUNT(&before));
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; cpu++)
    if (CPU_ISSET(cpu, &before)) CPU_SET(cpu, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(Executor::available_threads(), 1);
  EXPECT_EQ(Executor().threads(), 1);
  ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
}

class CgroupTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = std::filesystem::temp_directory_path() / ("plexus_cgroup_" + std::to_string(getpid()));
    std::filesystem::create_directories(root_);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text << "\n";
  }
  double available(const std::string& membership) const { return cgroup::available(membership, root_); }

  std::filesystem::path root_;
};

TEST_F(CgroupTest, NoGroupsNoLimit) {
  EXPECT_EQ(available(""), cgroup::unlimited);
  EXPECT_EQ(available("0::/user.slice\n"), cgroup::unlimited);
  EXPECT_EQ(available("nonsense\n:\n::\n"), cgroup::unlimited);
}

TEST_F(CgroupTest, VersionTwo) {
  write("job/cpu.max", "150000 100000");
  EXPECT_EQ(available("0::/job\n"), 1.5);
  write("job/cpu.max", "max 100000");
  EXPECT_EQ(available("0::/job\n"), cgroup::unlimited);
  write("job/cpu.max", "");
  EXPECT_EQ(available("0::/job\n"), cgroup::unlimited);
}

TEST_F(CgroupTest, ParentsCount) {
  write("a/cpu.max", "300000 100000");
  write("a/b/cpu.max", "max 100000");
  write("a/b/c/cpu.max", "400000 100000");
  write("a/b/c/d/cpu.max", "100000 100000");
  EXPECT_EQ(available("0::/a/b/c\n"), 3);
  EXPECT_EQ(available("0::/a/b/c/d\n"), 1);
}

TEST_F(CgroupTest, VersionOne) {
  write("cpu,cpuacct/job/cpu.cfs_quota_us", "250000");
  write("cpu,cpuacct/job/cpu.cfs_period_us", "100000");
  const std::string others = "12:cpuset:/job\n3:memory:/job\n";
  EXPECT_EQ(available(others + "4:cpu,cpuacct:/job\n"), 2.5);
  EXPECT_EQ(available(others + "4:cpuacct:/job\n"), cgroup::unlimited);
  write("cpu/job/cpu.cfs_quota_us", "-1");
  write("cpu/job/cpu.cfs_period_us", "100000");
  EXPECT_EQ(available("1:cpu:/job\n"), cgroup::unlimited);
  write("cpu/job/cpu.cfs_quota_us", "50000");
  EXPECT_EQ(available("1:cpu:/job\n"), 0.5);
}

/// Inside a container the path may be the host's, while the container's own group lies at the mount.
TEST_F(CgroupTest, PathOfTheHost) {
  write("cpu.max", "200000 100000");
  EXPECT_EQ(available("0::/docker/0123abcd\n"), 2);
  EXPECT_EQ(available("0::/../elsewhere\n"), 2);
}

}  // namespace
}  // namespace plexus

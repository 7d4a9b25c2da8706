// No more threads: the system refuses to make one, and loops run on those that there are. A program of its own: it replaces
// pthread_create.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

#include "plexus/core/executor.h"

namespace {

/// Of the threads that the tests made: how many may live at one time, as under RLIMIT_NPROC.
std::atomic<int> limit{1 << 20}, alive{0}, refused{0};

struct Start {
  void* (*run)(void*);
  void* argument;
};

void* counted(void* address) {
  const Start start = *static_cast<Start*>(address);
  delete static_cast<Start*>(address);
  void* const result = start.run(start.argument);
  alive--;
  return result;
}

}  // namespace

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*), void* argument) {
  if (alive.fetch_add(1) >= limit) {
    alive--;
    refused++;
    return EAGAIN;
  }
  static const auto real = reinterpret_cast<decltype(&pthread_create)>(dlsym(RTLD_NEXT, "pthread_create"));
  return real(thread, attributes, counted, new Start{run, argument});
}

namespace plexus {
namespace {

/// As the pieces of a loop that every thread has to do with.
int64_t sum(const Executor& executor) {
  std::atomic<int64_t> total = 0;
  executor.parallel_for(100000, 10, [&](int64_t begin, int64_t end) {
    int64_t part = 0;
    for (int64_t i = begin; i < end; i++) part += i;
    total += part;
  });
  return total;
}
constexpr int64_t right = int64_t(100000) * 99999 / 2;

/// With so many threads, beside the caller's, that the system makes.
void expect_sums(int threads) {
  limit = threads;
  for (int count : {2, 4, 16}) {
    const Executor executor(count);
    for (int i = 0; i < 50; i++) ASSERT_EQ(sum(executor), right) << threads << " of " << count;
    EXPECT_THROW(executor.parallel_for(1000, 1, [](int64_t, int64_t) { throw std::runtime_error("of the body"); }),
                 std::runtime_error);
    ASSERT_EQ(sum(executor), right);
  }
}

TEST(ThreadFailure, NoneAtAll) {
  expect_sums(0);
  EXPECT_GT(refused, 0) << "nobody asked for a thread";
}

TEST(ThreadFailure, FewerThanAskedFor) {
  for (int threads : {1, 2, 5}) expect_sums(threads);
}

TEST(ThreadFailure, TheyComeWhenThereAreAnyAgain) {
  expect_sums(0);
  limit = 1 << 20;
  const Executor executor(4);
  std::mutex mutex;
  std::set<std::thread::id> ids;
  for (int i = 0; i < 100 && ids.size() < 2; i++)
    executor.parallel_for(64, 1, [&](int64_t, int64_t) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));  // so that others come at all
      const std::lock_guard lock(mutex);
      ids.insert(std::this_thread::get_id());
    });
  EXPECT_GT(ids.size(), 1u);
}

}  // namespace
}  // namespace plexus

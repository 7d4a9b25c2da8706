// fork() after use: the child computes, or says why not; it never waits for threads that it does not have.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>

#include "plugins/plugin_files.h"

namespace plexus::plugin_tests {
namespace {

/// Runs `body` in a child; its exit status, or -1 where it had to be killed after half a minute.
int in_child(const std::function<bool()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGALRM, SIG_DFL);
    alarm(30);
    int status = 2;
    try {
      status = body() && !testing::Test::HasFailure() ? 0 : 1;
    } catch (const std::exception& error) {
      fprintf(stderr, "child: %s\n", error.what());
    }
    std::_Exit(status);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// A sum over pieces that several threads have to do with.
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

TEST(Fork, AChildComputesOnItsOwnThread) {
  const Context before = make_context({.backend = "reference", .threads = 4, .sink = {}});
  ASSERT_EQ(sum(before.executor()), right);
  for (int i = 0; i < 20; i++) {
    ASSERT_EQ(in_child([&] {
                // What the parent made, what is made here, and, once more, in a grandchild.
                if (sum(before.executor()) != right) return false;
                {
                  const Context after = make_context({.backend = "reference", .threads = 3, .sink = {}});
                  if (sum(after.executor()) != right) return false;
                }
                Plan plan = relu_plan(before);
                expect_relu(plan);
                return in_child([&] { return sum(before.executor()) == right; }) == 0;
              }),
              0);
    ASSERT_EQ(sum(before.executor()), right) << "the parent goes on";
  }
}

TEST(Fork, AChildMayEndAsAnyProcess) {
  load_backend(zoo("own_threads"));
  const pid_t child = [] {
    const Context before = make_context({.backend = "own_threads", .threads = 4, .sink = {}});
    EXPECT_EQ(sum(before.executor()), right);
    Plan plan = relu_plan(before);
    expect_relu(plan);
    const pid_t pid = fork();
    if (pid == 0) alarm(30);
    return pid;  // the child leaves here with the parent's plan and context, and destroys them
  }();
  if (child == 0) std::_Exit(0);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(Fork, APluginWithoutThreadsGoesOn) {
  load_backend(zoo("sound"));
  const Context before = context("sound");
  Plan plan = relu_plan(before);
  expect_relu(plan);
  EXPECT_EQ(in_child([&] {
              expect_relu(plan);
              Plan other = relu_plan(context("sound"));
              expect_relu(other);
              return other.rows()[0].backend == "sound";
            }),
            0);
}

TEST(Fork, APluginWithThreadsOfItsOwnIsRefused) {
  load_backend(zoo("own_threads"));
  const Context before = context("own_threads");
  Plan plan = relu_plan(before);
  expect_relu(plan);
  EXPECT_EQ(
      in_child([&] {
        const std::string problem =
            "backend 'own_threads': its threads stayed behind when fork() made this process: use 'reference' "
            "here, or fork before the backend is loaded";
        EXPECT_EQ(message<BackendError>([&] { plan.run(4); }), problem);
        EXPECT_EQ(message<BackendError>([] { context("own_threads"); }), problem);
        Plan fallback = relu_plan(before);
        expect_relu(fallback);
        return fallback.rows()[0].backend == "reference";
      }),
      0);
  expect_relu(plan);
}

TEST(Fork, EveryBackendComputesOrSaysWhyNot) {
  for (const std::string& name : usable_backends()) {
    const Context before = context(name);
    Plan plan = relu_plan(before);
    expect_relu(plan);
    EXPECT_EQ(in_child([&] {
                int computed = 0, refused = 0;
                const auto attempt = [&](auto body) {
                  try {
                    body();
                    computed++;
                  } catch (const BackendError& error) {
                    refused += std::string(error.what()).find("fork()") != std::string::npos;
                  }
                };
                attempt([&] { expect_relu(plan); });
                attempt([&] {
                  Plan after = relu_plan(context(name));
                  expect_relu(after);
                });
                Plan reference = relu_plan(context("reference"));
                expect_relu(reference);
                return computed + refused == 2;
              }),
              0)
        << name;
    expect_relu(plan);
  }
}

}  // namespace
}  // namespace plexus::plugin_tests

// The load of others: a process that is not ours is seen, what we do ourselves is not.
#include "plexus/cli/bench/load.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace plexus::cli {
namespace {

/// Uses so much time of a processor.
void compute(double seconds) {
  timespec time{};
  do clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  while (double(time.tv_sec) + 1e-9 * double(time.tv_nsec) < seconds);
}

// The same work by a child that has not ended yet, and seen again when it has: then it is ours. Others on the
// machine are in both.
TEST(OthersLoad, ChildrenThatEndedAreNotOthers) {
  int ready[2], done[2];
  ASSERT_EQ(pipe(ready), 0);
  ASSERT_EQ(pipe(done), 0);
  const timespec start = [] {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t;
  }();
  const OthersLoad others;
  const pid_t child = fork();
  if (child == 0) {
    compute(1.5);
    char byte = 0;
    _exit(write(ready[1], &byte, 1) == 1 && read(done[0], &byte, 1) == 1 ? 0 : 1);
  }
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  const auto elapsed = [&] {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return double(t.tv_sec - start.tv_sec) + 1e-9 * double(t.tv_nsec - start.tv_nsec);
  };
  const double while_it_runs = others.processors() * elapsed();
  ASSERT_EQ(write(done[1], &byte, 1), 1);
  int status = 1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  const double afterwards = others.processors() * elapsed();
  EXPECT_GT(while_it_runs, 1.4);  // seconds of a processor; the kernel counts in hundredths
  EXPECT_LT(afterwards, while_it_runs - 0.75);
}

}  // namespace
}  // namespace plexus::cli

// Comparisons of runs that are made up: what changed in them is known.
#include "plexus/cli/bench/comparison.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "plexus/core/error.h"

namespace plexus::cli {
namespace {

/// A machine that measures: each benchmark has a time of its own, each process its luck, each repetition its
/// speed.
struct Machine {
  int benchmarks = 300, shapes = 10, repetitions = 9;  // kernel k0 has the first ten
  double speed = 1;                                    // of the whole run
  double drift = 0.03;  // standard deviation from repetition to repetition, common to all
  double noise = 0.03;  // standard deviation of a single value
  double limit = 1;     // what it measures of its own speed
  std::function<double(int)> factor = [](int) { return 1.0; };  // of benchmark i

  Measurements measure(unsigned seed) const {
    std::mt19937 random(seed);
    std::normal_distribution<double> normal;
    Measurements run;
    run.file = "run " + std::to_string(seed);
    run.context = {{"cpu", "made up"},
                   {"limit/fma/avx2/t2", std::to_string(100 * limit)},
                   {"limit/read/l2/t2", std::to_string(50 * limit)},
                   {"limit/read/dram/t2", std::to_string(10 * limit)}};
    std::vector<double> luck;
    for (int r = 0; r < repetitions; ++r) luck.push_back(std::exp(drift * normal(random)));
    for (int i = 0; i < benchmarks; ++i) {
      const std::string shape = "k" + std::to_string(i / shapes) + "/m" + std::to_string(i);
      Measurement m{.name = "matmul/" + shape + "/simd/t2",
                    .family = "matmul",
                    .shape = shape,
                    .backend = "simd",
                    .threads = 2,
                    .seconds = {},
                    .gflops = {},
                    .gigabytes = {},
                    .peak = {}};
      for (int r = 0; r < repetitions; ++r)
        m.seconds[r] =
            1e-6 * (i + 1) * factor(i) * luck[size_t(r)] * std::exp(noise * normal(random)) / speed;
      run.list.push_back(m);
    }
    return run;
  }
};

bool no_difference(const Comparison& c) { return c.slower.empty() && c.faster.empty() && c.refused.empty(); }

/// How many of so many pairs of runs show no difference.
int without_difference(const Machine& before, const Machine& after, unsigned pairs) {
  int count = 0;
  for (unsigned i = 0; i < pairs; ++i)
    count += no_difference(compare(before.measure(2 * i + 1), after.measure(2 * i + 2)));
  return count;
}

TEST(Comparison, TheSameTwice) { EXPECT_GE(without_difference({}, {}, 20), 19); }

TEST(Comparison, TheSameOnAMachineThatDrifts) {
  EXPECT_GE(without_difference({.drift = 0.08}, {.speed = 0.8, .drift = 0.08, .limit = 0.8}, 20), 19);
}

// Values scattered so widely that medians differ by 10 % by chance: the U test is what holds.
TEST(Comparison, TheSameOnANoisyMachine) {
  EXPECT_GE(without_difference({.noise = 0.15}, {.noise = 0.15}, 20), 19);
}

TEST(Comparison, OneBenchmarkSlower) {
  const Machine before,
      after{.speed = 0.9, .limit = 0.9, .factor = [](int i) { return i == 7 ? 1.15 : 1.0; }};
  for (unsigned i = 0; i < 20; ++i) {
    const Comparison c = compare(before.measure(2 * i + 1), after.measure(2 * i + 2));
    ASSERT_EQ(c.slower.size(), 1u) << i;
    EXPECT_EQ(c.slower[0].name, "matmul/k0/m7/simd/t2");
    EXPECT_NEAR(c.slower[0].ratio, 1.15, 0.05);
    EXPECT_TRUE(c.faster.empty());
  }
}

// Among thousands of benchmarks, so noisy that none of them shows by itself what all shapes of a kernel show
// together.
TEST(Comparison, OneKernelSlower) {
  const Machine before{.benchmarks = 3000, .noise = 0.1};
  Machine after = before;
  after.factor = [](int i) { return i < 10 ? 1.15 : 1.0; };
  const Comparison c = compare(before.measure(1), after.measure(2));
  ASSERT_EQ(c.slower.size(), 1u);
  EXPECT_EQ(c.slower[0].name, "matmul/k0/*/simd/t2");
  EXPECT_NEAR(c.slower[0].ratio, 1.15, 0.04);
  EXPECT_TRUE(c.faster.empty());
}

TEST(Comparison, OneBenchmarkFaster) {
  const Machine before{.factor = [](int i) { return i == 7 ? 1.2 : 1.0; }};
  const Comparison c = compare(before.measure(1), Machine{}.measure(2));
  EXPECT_TRUE(c.slower.empty());
  ASSERT_EQ(c.faster.size(), 1u);
  EXPECT_EQ(c.faster[0].name, "matmul/k0/m7/simd/t2");
}

// What all benchmarks lose together is not the machine's where its limits stayed.
TEST(Comparison, EverythingSlowerOnTheSameMachine) {
  const Comparison c = compare(Machine{}.measure(1), Machine{.speed = 1 / 1.15}.measure(2));
  ASSERT_EQ(c.slower.size(), 1u);
  EXPECT_EQ(c.slower[0].name, "all benchmarks together, t2");
  EXPECT_NEAR(c.slower[0].ratio, 1.15, 0.04);
}

// With a handful of benchmarks nothing is common: the machine's limits are what is taken out.
TEST(Comparison, FewBenchmarks) {
  const Machine before{.benchmarks = 3, .drift = 0.01};
  Machine after = before;
  after.speed = after.limit = 0.8;
  EXPECT_TRUE(no_difference(compare(before.measure(1), after.measure(2))));
  after.limit = 1;
  EXPECT_EQ(compare(before.measure(1), after.measure(2)).slower.size(), 4u);  // each, and their kernel
}

TEST(Comparison, SmallChangesAreNone) {
  const Machine after{.noise = 0.001, .factor = [](int i) { return i == 7 ? 1.05 : 1.0; }};
  EXPECT_TRUE(no_difference(compare(Machine{.noise = 0.001}.measure(1), after.measure(2))));
}

TEST(Comparison, ARefusedKernelIsARegression) {
  const Measurements before = Machine{}.measure(1);
  Measurements after = Machine{}.measure(2);
  after.refusals.push_back({after.list.back().name, "wrong"});
  after.list.pop_back();
  const Comparison c = compare(before, after);
  ASSERT_EQ(c.refused.size(), 1u);
  EXPECT_EQ(c.refused[0].name, "matmul/k29/m299/simd/t2");
  EXPECT_EQ(c.only_a, 1u);
  EXPECT_EQ(c.compared, 299u);
}

// 9 against 9 can be arranged in 48620 ways, 10 in 184756, 11 in 705432.
TEST(Comparison, SaysHowManyRepetitionsASingleOneNeeds) {
  const auto needed = [](int benchmarks) {
    const Machine machine{.benchmarks = benchmarks};
    return compare(machine.measure(1), machine.measure(2)).needed_repetitions;
  };
  EXPECT_EQ(needed(486), 9);
  EXPECT_EQ(needed(487), 10);
}

std::string message(const std::function<void()>& call) {
  try {
    call();
  } catch (const DataError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Comparison, Refuses) {
  const Measurements a = Machine{}.measure(1);
  EXPECT_EQ(
      message([&] { compare(a, Machine{.repetitions = 8}.measure(2)); }),
      "run 2: matmul/k0/m0/simd/t2 has 8 repetitions, a comparison needs 9: plexus bench --repetitions 9");
  Measurements other = Machine{}.measure(2);
  other.context["cpu"] = "another";
  EXPECT_EQ(message([&] { compare(a, other); }),
            "run 2: measured on another CPU (another) than run 1 (made up): only runs of one machine can be "
            "compared");
  other = Machine{}.measure(2);
  for (Measurement& m : other.list) m.name = "other";
  EXPECT_EQ(message([&] { compare(a, other); }), "run 2: has no benchmark in common with run 1");
}

}  // namespace
}  // namespace plexus::cli

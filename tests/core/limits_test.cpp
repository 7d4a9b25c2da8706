#include "plexus/core/limits.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "plexus/core/limit_loops.h"
#include "plexus/core/tensor.h"

namespace plexus {
namespace {

Limits made_up() {
  Limits limits;
  limits.multiply_add = {{Isa::scalar, 10}, {Isa::avx2, 100}, {Isa::avx512, 80}};
  limits.levels = {{"l1", 1000, 200}, {"l3", 1e6, 50}, {"dram", std::numeric_limits<double>::infinity(), 10}};
  return limits;
}

TEST(Limits, ArithmeticIsThatOfTheFastestInstructionSet) { EXPECT_EQ(made_up().arithmetic(), 100); }

TEST(Limits, OperandsSitInTheFirstLevelThatHoldsThem) {
  const Limits limits = made_up();
  EXPECT_EQ(limits.level(0).name, "l1");
  EXPECT_EQ(limits.level(1000).name, "l1");
  EXPECT_EQ(limits.level(1001).name, "l3");
  EXPECT_EQ(limits.level(2e6).name, "dram");
}

TEST(Limits, TheLongerBounds) {
  const Limits limits = made_up();
  // 1000 operations at 100 GFLOP/s take 10 ns, 800 bytes at 200 GB/s 4 ns.
  EXPECT_DOUBLE_EQ(limits.seconds({.flop = 1000, .bytes = 800, .working_set = 800}), 10e-9);
  // The same bytes from a level of 50 GB/s take 16 ns.
  EXPECT_DOUBLE_EQ(limits.seconds({.flop = 1000, .bytes = 800, .working_set = 5000}), 16e-9);
}

TEST(Limits, AreMeasured) {
  const Limits limits = measure_limits(2, cpu().isa);
  EXPECT_EQ(limits.threads, 2);
  EXPECT_TRUE(limits.multiply_add.contains(cpu().isa));
  for (const auto& [isa, rate] : limits.multiply_add)
    EXPECT_TRUE(std::isfinite(rate) && rate > 0) << to_string(isa);
  ASSERT_FALSE(limits.levels.empty());
  EXPECT_EQ(limits.levels.back().name, "dram");
  double capacity = 0;
  for (const Limits::Level& level : limits.levels) {
    EXPECT_TRUE(std::isfinite(level.bandwidth) && level.bandwidth > 0) << level.name;
    EXPECT_GT(level.capacity, capacity) << level.name;
    capacity = level.capacity;
  }
}

#if defined(__x86_64__) && defined(__GLIBC__)
// Also where the system has no files about them, as in some virtual machines.
TEST(Limits, KnowTheCaches) {
  const auto sizes = cache_sizes();
  ASSERT_TRUE(sizes.contains("l1") && sizes.contains("l2"));
  EXPECT_GE(sizes.at("l1"), 8 << 10);
  EXPECT_GT(sizes.at("l2"), sizes.at("l1"));
}
#endif

TEST(Limits, CapsTheInstructionSet) {
  const Limits limits = measure_limits(1, Isa::scalar);
  EXPECT_EQ(limits.multiply_add.size(), 1u);
}

TEST(Limits, LoopsDoWhatTheySay) {
  for (const Isa isa : {Isa::scalar, cpu().isa}) {
    const LimitLoops& loops = limit_loops(isa);
    // x -> x / 2 + 1 from 3, 4, ... 14, twelve sums of a geometric series: after one round x / 2 + 1 each.
    float sum = 0;
    for (int chain = 0; chain < 12; chain++) sum += float(chain + 3) / 2 + 1;
    EXPECT_EQ(loops.multiply_add(1), sum) << to_string(isa);
    EXPECT_EQ(loops.flop % 24, 0) << to_string(isa);
    // Every element is read: the bits of any of them come out.
    Tensor data(DType::f32, {512});
    EXPECT_EQ(loops.read(data.values<float>().data(), 512), 0) << to_string(isa);
    const auto lanes = size_t(loops.flop / 24);
    for (size_t i = 0; i < 512; i += lanes) {  // the first lane is what is returned
      data.values<float>()[i] = 1;
      EXPECT_EQ(loops.read(data.values<float>().data(), 512), 0x3f800000)
          << to_string(isa) << " element " << i;
      data.values<float>()[i] = 0;
    }
  }
}

}  // namespace
}  // namespace plexus

#include "plexus/bench/loop_cost.h"

#include <gtest/gtest.h>

#include <cmath>

namespace plexus::bench {
namespace {

TEST(LoopCost, IsMeasured) {
  const LoopCost cost = measure_loop_cost(2, cpu().isa);
  EXPECT_TRUE(std::isfinite(cost.hot) && cost.hot >= 0) << cost.hot;
  EXPECT_TRUE(std::isfinite(cost.cold) && cost.cold >= 0) << cost.cold;
}

}  // namespace
}  // namespace plexus::bench

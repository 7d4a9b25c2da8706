// What every backend runs as one kernel, against its own kernels one by one.
#include "backends/every_backend.h"
#include "plexus/backends/conformance/modes.h"
#include "plexus/backends/registry.h"

namespace plexus::conformance {
namespace {

void expect_pieces(uint64_t count, int threads) {
  on_every_backend(
      [&](const std::string& name, const Context& context) {
        uint64_t fused = 0;
        for (uint64_t number = 0; number < count; ++number) {
          announce(name + ": " + describe_fused(number));
          const Result result = check_fused(context, number);
          fused += result.status != Status::not_supported;
          ASSERT_TRUE(result) << result.message;
        }
        ::testing::Test::RecordProperty(name + "_fused", std::to_string(fused));
        if (name == default_backend(backends()) && context.backends().size() > 1) {  // whoever has it fuses the most
          EXPECT_GT(fused, count / 4) << "hardly anything was looked at";
        }
      },
      threads);
}

TEST(FusedKernels, HaveTheBitsOfTheirParts) { expect_pieces(1'000, 1); }
TEST(FusedKernels, HaveThemOnManyThreads) { expect_pieces(200, 4); }
TEST(FusedKernels, HaveTheBitsOfTheirPartsLong) { expect_pieces(50'000, 2); }

}  // namespace
}  // namespace plexus::conformance

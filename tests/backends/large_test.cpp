// Operands large enough for several pieces of a loop, on every backend: what a piece behind the first does with its place.
#include "backends/every_backend.h"
#include "plexus/backends/conformance/check.h"

namespace plexus::conformance {
namespace {

void expect_large_cases(uint64_t count) {
  for (const std::string& family : families())
    on_every_backend([&](const std::string& name, const Context& context) {
      for (uint64_t seed = 0; seed < count; ++seed) {
        const Case c = make_case(family, seed % 2 ? Fill::real : Fill::exact, seed, Extent::large);
        announce(name + ": " + to_string(c));
        const Result result = check(context.chosen(), c);
        ASSERT_TRUE(result) << result.message;
      }
    });
}

TEST(LargeCases, OfEveryFamily) { expect_large_cases(40); }
TEST(LargeCases, OfEveryFamilyLong) { expect_large_cases(3'000); }

}  // namespace
}  // namespace plexus::conformance

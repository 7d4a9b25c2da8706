// The simd backend on every instruction set that this machine has.
#include <cstring>

#include "backends/every_backend.h"
#include "backends/max_isa.h"
#include "plexus/backends/conformance/check.h"
#include "plexus/backends/registry.h"
#include "plexus/core/cpu.h"

namespace plexus::conformance {
namespace {

using test::has_simd;
using test::instruction_sets;

Context context_of(const std::string& isa) { return test::simd_context(isa, 2); }

TEST(Isa, EveryFamilyIsWithinItsBoundsOnEveryOne) {
  if (!has_simd()) GTEST_SKIP() << "simd is not built";
  for (const std::string& isa : instruction_sets()) {
    const Context context = context_of(isa);
    for (const std::string& family : families())
      for (const Fill fill : {Fill::exact, Fill::real, Fill::special})
        for (uint64_t seed = 0; seed < 300; ++seed) {
          const Case c = make_case(family, fill, seed);
          announce(isa + ": " + to_string(c));
          const Result result = check(context.chosen(), c);
          ASSERT_TRUE(result || result.status == Status::not_supported) << isa << ": " << result.message;
        }
  }
}

TEST(Isa, Avx2AndAvx512GiveTheSameBits) {
  if (!has_simd() || cpu().isa != Isa::avx512) GTEST_SKIP() << "needs simd on a CPU with AVX-512";
  const Context narrow = context_of("avx2"), wide = context_of("avx512");
  int compared = 0;
  for (const std::string& family : families()) {
    for (uint64_t seed = 0; seed < 300; ++seed) {
      const Case c = make_case(family, Fill::real, seed);
      const auto a = prepare_kernel(narrow.chosen(), c.spec), b = prepare_kernel(wide.chosen(), c.spec);
      ASSERT_EQ(a == nullptr, b == nullptr) << to_string(c);
      if (!a) continue;
      announce(to_string(c));
      const Values inputs = make_values(c);
      std::string problem;
      const Values x = run(*a, c.spec, c.rows, inputs, c.placement, c.seed, problem);
      const Values y = run(*b, c.spec, c.rows, inputs, c.placement, c.seed, problem);
      ASSERT_EQ(problem, "") << to_string(c);
      for (size_t slot = 0; slot < x.size(); ++slot) {
        if (x[slot].values.empty()) continue;
        ++compared;
        ASSERT_EQ(std::memcmp(x[slot].values.data(), y[slot].values.data(), x[slot].values.size() * sizeof(double)), 0)
            << to_string(c) << ": " << slots(c.spec)[slot].name;
      }
    }
  }
  EXPECT_GT(compared, 1000);
}

}  // namespace
}  // namespace plexus::conformance

// Plans that look after their kernels: beside the reference, for NaN, and who runs what the backend lacks.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "core/plan_network.h"

namespace plexus {
namespace {

using namespace plexus::testing;

/// relu that forgets the last element of every row, beside a reference that does not.
class WrongRelu final : public Backend {
 public:
  std::string name() const override { return "wrong"; }
  Claim claim(const Run& rest) const override {
    const auto* relu = rest.get<ActivationSpec>(0);
    if (!relu) return {};
    class Wrong final : public Kernel {
     public:
      explicit Wrong(int64_t n) : n_(n) {}
      void run(void* const* b, const Call& call) const override {
        auto* x = static_cast<const float*>(b[0]);
        auto* y = static_cast<float*>(b[1]);
        for (int64_t i = 0; i < call.rows * n_; i++) y[i] = x[i] > 0 && i % n_ != n_ - 1 ? x[i] : 0;
      }
      std::string describe() const override { return "forgets the tail"; }

     private:
      int64_t n_;
    };
    return {1, [n = relu->n] { return std::make_unique<Wrong>(n); }};
  }
};

TEST(PlanCheck, CheckFindsAWrongKernelAndNamesIt) {
  Sequential net = network();
  Plan wrong =
      Plan::build(context_with(std::make_unique<WrongRelu>()), net.store(), net.lower(step_options()));
  fill_batch(wrong, 1);
  set_scalars(net.store(), 1);
  const Plan::Difference difference = wrong.check(batch);
  EXPECT_GT(difference.relative, 1e-2);
  EXPECT_TRUE(difference.wrong);
  EXPECT_NE(difference.where.find("activation/relu/f32/m32~/n10 on wrong"), std::string::npos)
      << difference.where;
}

TEST(PlanCheck, CheckOfRightKernelsFindsNothingInAnyLayout) {
  for (const bool packed : {false, true}) {
    Sequential net = network(true);
    Plan plan =
        Plan::build(context_with(packed ? whole_step() : nullptr), net.store(), net.lower(step_options()));
    for (const int64_t rows : {batch, int64_t(22)}) {
      fill_batch(plan, 1);
      set_scalars(net.store(), 1);
      const Plan::Difference difference = plan.check(rows);
      EXPECT_EQ(difference.relative, 0) << difference.where;
      EXPECT_FALSE(difference.wrong);
    }
  }
}

TEST(PlanCheck, CheckPolicyThrowsWhereTheBackendIsWrong) {
  Sequential net = network();
  Plan wrong = Plan::build(
      context_with(std::make_unique<WrongRelu>(), {.fallback = Fallback::allow, .check = Check::reference}),
      net.store(), net.lower(step_options()));
  fill_batch(wrong, 1);
  set_scalars(net.store(), 1);
  EXPECT_THROW(wrong.run(batch), BackendError);
}

TEST(PlanCheck, NanPolicyNamesTheFirstOperationThatWroteOne) {
  Sequential net = network();
  Plan plan =
      Plan::build(context_with(nullptr, {.check = Check::nan}), net.store(), net.lower(step_options()));
  fill_batch(plan, 1);
  set_scalars(net.store(), 1);
  plan.data<float>("x")[3] = NAN;
  try {
    plan.run(batch);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("check for NaN: matmul/nn/f32/m32~/n10/k13/bias on reference"),
              std::string::npos)
        << error.what();
  }
}

TEST(PlanCheck, FallbackIsAnErrorAWarningOrSilent) {
  Sequential net = network();
  auto build = [&](Fallback fallback, std::vector<std::string>& lines) {
    return Plan::build(
        context_with(std::make_unique<TestBackend>("matmul_only", match_matmul), {.fallback = fallback},
                     [&](LogLevel level, const std::string& line) {
                       if (level == LogLevel::warning) lines.push_back(line);
                     }),
        net.store(), net.lower(step_options()));
  };
  std::vector<std::string> lines;
  build(Fallback::allow, lines);
  EXPECT_TRUE(lines.empty());
  build(Fallback::warn, lines);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0],
            "backend 'matmul_only' lacks activation/relu/f32/m32~/n10 and 8 more: 'reference' runs it "
            "(PLEXUS_FALLBACK=allow silences this)");
  try {
    build(Fallback::error, lines);
    FAIL() << "no error";
  } catch (const BackendError& error) {
    EXPECT_STREQ(error.what(),
                 "activation/relu/f32/m32~/n10: backend 'matmul_only' does not have it, and "
                 "PLEXUS_FALLBACK=error forbids 'reference'");
  }
}

}  // namespace
}  // namespace plexus

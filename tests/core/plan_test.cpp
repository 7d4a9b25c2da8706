// The plan, proven with backends that claim more, less or nothing, and with layouts of their own.
#include "plexus/core/plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <thread>

#include "core/plan_network.h"
#include "plexus/backends/conformance/buffers.h"

namespace plexus {
namespace {

using namespace plexus::testing;

struct Trained {
  std::map<std::string, Tensor> values;
  std::vector<Plan::Row> rows;
  std::map<std::string, const Layout*> layouts;
};

Trained train(Sequential& net, const Context& context, const LoweringOptions& options, int steps = 30) {
  Plan plan = Plan::build(context, net.store(), net.lower(options));
  for (int step = 1; step <= steps; step++) {
    fill_batch(plan, step);
    set_scalars(net.store(), step);
    plan.run(step % 3 == 0 ? 22 : batch);
  }
  Trained trained;
  trained.rows = plan.rows();
  for (const auto& [name, entry] : net.store().entries()) {
    trained.values.emplace(name, net.store().get(name));
    trained.layouts.emplace(name, entry.layout);
  }
  return trained;
}

Trained train(std::unique_ptr<const Backend> backend, const LoweringOptions& options = step_options(),
              bool dropout = false, bool frozen = false) {
  Sequential net = network(dropout);
  net[0].frozen = frozen;
  return train(net, context_with(std::move(backend)), options);
}

void expect_same(const Trained& a, const Trained& b) {
  ASSERT_EQ(a.values.size(), b.values.size());
  for (const auto& [name, value] : a.values) {
    EXPECT_TRUE(value == b.values.at(name)) << name;
    for (const float v : value.dtype() == DType::f32 ? value.values<float>() : std::span<const float>())
      ASSERT_TRUE(std::isfinite(v));
  }
}

size_t longest_claim(const Trained& t) {
  size_t longest = 0;
  for (const Plan::Row& row : t.rows) longest = std::max(longest, row.last - row.first);
  return longest;
}

TEST(Plan, TrainingChangesParametersOnTheReference) {
  const Trained trained = train(nullptr);
  Sequential fresh = network();
  EXPECT_FALSE(trained.values.at("0.weight") == fresh.store().get("0.weight"));
  EXPECT_FALSE(trained.values.at("2.bias") == fresh.store().get("2.bias"));
}

TEST(Plan, FusedPairHasTheBitsOfSingleOperations) {
  const Trained fused = train(std::make_unique<TestBackend>("dense_relu", match_dense_relu));
  EXPECT_EQ(longest_claim(fused), 2u);
  expect_same(fused, train(nullptr));
}

TEST(Plan, WholeStepInPackedLayoutIsOneKernelWithTheSameBits) {
  const Trained whole = train(whole_step());
  ASSERT_EQ(whole.rows.size(), 1u);
  EXPECT_EQ(whole.rows[0].why, "fused 14");
  EXPECT_EQ(whole.layouts.at("0.weight"), &panel_transposed);
  EXPECT_EQ(whole.layouts.at("0.weight.first"), &panel_transposed);
  expect_same(whole, train(nullptr));
}

TEST(Plan, RefusedFirstWishGetsTheNext) {
  const Trained t = train(std::make_unique<TestBackend>(
      "picky", refuse_transposed, std::vector<const Layout*>{&panel_transposed, &panel}));
  EXPECT_EQ(t.layouts.at("0.weight"), &panel);
  expect_same(t, train(nullptr));
}

TEST(Plan, EveryWishRefusedBecomesPlain) {
  const Trained t = train(std::make_unique<TestBackend>(
      "plain", refuse_packed, std::vector<const Layout*>{&panel_transposed, &panel}));
  EXPECT_EQ(t.layouts.at("0.weight"), nullptr);
  expect_same(t, train(nullptr));
}

TEST(Plan, BackendWithMatmulOnlyRunsBesideTheReference) {
  const Trained t = train(std::make_unique<TestBackend>("matmul_only", match_matmul));
  int own = 0;
  for (const Plan::Row& row : t.rows) {
    own += row.backend == "matmul_only";
    if (row.backend == "reference") {
      EXPECT_EQ(row.why, "fallback: none in matmul_only");
    }
  }
  EXPECT_EQ(own, 5);
  expect_same(t, train(nullptr));
}

TEST(Plan, KernelThatCannotBeMadeIsReplacedAndSaid) {
  class Refusing final : public Backend {
   public:
    std::string name() const override { return "refusing"; }
    Claim claim(const plexus::Run&) const override {
      return {1, [] { return std::unique_ptr<const Kernel>(); }};
    }
  };
  const Trained t = train(std::make_unique<Refusing>());
  for (const Plan::Row& row : t.rows) EXPECT_EQ(row.why, "fallback: refused by refusing");
  expect_same(t, train(nullptr));
}

TEST(Plan, ForeignUpdateOfAPackedParameterIsFollowedByARefresh) {
  static const std::vector<const Layout*> wishes = {&panel_transposed};
  const Trained t = train(std::make_unique<TestBackend>("no_updates", match_step_without_updates, wishes));
  int refreshes = 0;
  for (const Plan::Row& row : t.rows)
    if (row.refreshed != no_buffer) {
      refreshes++;
      EXPECT_EQ(row.spec, "refresh/panel4+t");
      EXPECT_EQ(row.why, "after an update by reference");
    }
  EXPECT_EQ(refreshes, 2);
  EXPECT_EQ(t.layouts.at("0.weight"), &panel_transposed);
  expect_same(t, train(nullptr));
}

TEST(Plan, ClippingShrinksTheClaimAndKeepsTheBits) {
  LoweringOptions options = step_options();
  options.clip_norm = 0.1;
  const Trained clipped = train(whole_step(), options);
  EXPECT_GT(clipped.rows.size(), 1u);
  expect_same(clipped, train(nullptr, options));
  EXPECT_FALSE(clipped.values.at("0.weight") == train(nullptr).values.at("0.weight"));
}

TEST(Plan, GradientsThatSomebodyReadsAreWritten) {
  LoweringOptions options = step_options();
  options.keep_gradients = true;
  const Trained kept = train(whole_step(), options), single = train(nullptr, options);
  ASSERT_TRUE(kept.values.contains("0.weight.gradient"));
  expect_same(kept, single);
}

TEST(Plan, FrozenLayerKeepsItsParametersAndShortensTheProgram) {
  const Trained frozen = train(whole_step(), step_options(), false, true);
  expect_same(frozen, train(nullptr, step_options(), false, true));
  EXPECT_TRUE(frozen.values.at("0.weight") == network().store().get("0.weight"));
  EXPECT_FALSE(frozen.values.at("2.weight") == network().store().get("2.weight"));
}

TEST(Plan, DropoutIsInTheStepAndNotInTheForwardProgram) {
  const Trained dropped = train(whole_step(), step_options(), true);
  expect_same(dropped, train(nullptr, step_options(), true));
  Sequential net = network(true);
  for (const Operation& operation : net.lower({.part = Part::forward, .batch = batch}).operations())
    EXPECT_FALSE(std::holds_alternative<DropoutSpec>(operation.spec));
}

/// In f64, where the reference's chains in double carry on exactly where the first half left them.
TEST(Plan, AccumulatedHalvesHaveTheBitsOfTheWholeBatch) {
  for (const bool packed : {false, true}) {
    LoweringOptions step = step_options();
    step.dtype = DType::f64;
    step.loss_scale = true;
    Sequential whole = network(false, DType::f64), halves = network(false, DType::f64);
    const Context context = context_with(packed ? whole_step() : nullptr);
    Plan one = Plan::build(context, whole.store(), whole.lower(step));
    LoweringOptions half = step;
    half.part = Part::backward;
    half.batch = batch / 2;
    half.row_counts = {};
    LoweringOptions more = half, apply = half;
    more.accumulate = true;
    apply.part = Part::apply;
    auto plans = Plan::build(context, halves.store(), {halves.lower(half), halves.lower(more), halves.lower(apply)});
    for (int64_t s = 1; s <= 5; s++) {
      auto* x = one.data<double>("x");
      auto* target = one.data<int32_t>("target");
      for (int64_t i = 0; i < batch * inputs; i++) x[i] = RandomStream(uint64_t(s), Purpose::user).normal(uint64_t(i));
      for (int64_t i = 0; i < batch; i++) target[i] = int32_t((i + s) % classes);
      for (Sequential* net : {&whole, &halves}) {
        net->store().scalar<double>("learning_rate") = 0.1;
        net->store().scalar<double>("loss_scale") = 1.0 / batch;
      }
      one.run(batch);
      for (int64_t h = 0; h < 2; h++) {
        Plan& plan = plans[size_t(h)];
        std::memcpy(plan.data("x"), x + h * batch / 2 * inputs, batch / 2 * inputs * sizeof(double));
        std::memcpy(plan.data("target"), target + h * batch / 2, batch / 2 * sizeof(int32_t));
        plan.run(batch / 2);
      }
      plans[2].run(0);
    }
    for (const char* name : {"0.weight", "0.bias", "2.weight", "2.bias"})
      EXPECT_TRUE(whole.store().get(name) == halves.store().get(name)) << name << " packed " << packed;
    EXPECT_FALSE(whole.store().get("0.weight") == network(false, DType::f64).store().get("0.weight"));
  }
}

TEST(Plan, InputGradientOnRequest) {
  LoweringOptions options = step_options();
  options.part = Part::backward;
  options.input_gradient = true;
  Sequential net = network();
  Plan plan = Plan::build(context_with(whole_step()), net.store(), net.lower(options));
  fill_batch(plan, 1);
  plan.run(batch);
  double sum = 0;
  for (int64_t i = 0; i < batch * inputs; i++) sum += std::abs(plan.data<float>("x.gradient")[i]);
  EXPECT_GT(sum, 0);
}

TEST(Plan, ForksRunInTwoThreadsOverOneStore) {
  Sequential net = network();
  Plan plan = Plan::build(context_with(whole_step()), net.store(),
                          net.lower({.part = Part::forward, .batch = batch}));
  Plan other = plan.fork();
  EXPECT_NE(plan.data("x"), other.data("x"));
  auto predict = [](Plan& p, int seed, std::vector<float>& out) {
    for (int64_t i = 0; i < batch * inputs; i++) p.data<float>("x")[i] = std::sin(float(i * seed));
    for (int repeat = 0; repeat < 200; repeat++) p.run(batch);
    out.assign(p.data<float>("y"), p.data<float>("y") + batch * classes);
  };
  std::vector<float> a, b, alone_a, alone_b;
  std::thread first([&] { predict(plan, 1, a); }), second([&] { predict(other, 2, b); });
  first.join();
  second.join();
  predict(plan, 1, alone_a);
  predict(plan, 2, alone_b);
  EXPECT_EQ(a, alone_a);
  EXPECT_EQ(b, alone_b);
  EXPECT_NE(a, b);
}

TEST(Plan, MovedPlanStillRuns) {  // it must not point into the object that it came from
  Sequential net = network();
  std::vector<Plan> plans;
  {
    const Context context = context_with(whole_step());
    plans.push_back(Plan::build(context, net.store(), net.lower(step_options())));
  }
  Plan moved = std::move(plans[0]);
  plans.clear();
  fill_batch(moved, 1);
  set_scalars(net.store(), 1);
  moved.run(batch);
  EXPECT_TRUE(std::isfinite(net.store().scalar<float>("loss")));
}

/// Reads a parameter in a slot that says nothing of layouts.
Program row_sums_of_weight() {
  Program program;
  const BufferId weight =
      program.add_buffer({.name = "0.weight", .role = Role::parameter, .shape = {inputs, hidden}});
  const BufferId sums = program.add_buffer({.name = "sums", .role = Role::output, .shape = {inputs, 1}});
  program.add("sums", ReduceSpec{.kind = Reduction::row_sum, .m = inputs, .n = hidden, .batch = Batch::none},
              {weight, sums});
  return program;
}

TEST(Plan, LaterPlanThatCannotReadTheLayoutTurnsItPlainAndTheEarlierFollows) {
  Sequential net = network(), plain = network();
  const Context context = context_with(whole_step());
  Plan step = Plan::build(context, net.store(), net.lower(step_options()));
  fill_batch(step, 1);
  set_scalars(net.store(), 1);
  step.run(batch);
  EXPECT_EQ(net.store().entry("0.weight").layout, &panel_transposed);

  Plan sums = Plan::build(context, net.store(), row_sums_of_weight());
  EXPECT_EQ(net.store().entry("0.weight").layout, nullptr);
  for (int64_t s = 2; s <= 4; s++) {
    fill_batch(step, s);
    set_scalars(net.store(), s);
    step.run(batch);
  }
  sums.run(0);
  EXPECT_EQ(net.store().entry("0.weight.first").layout, nullptr);

  Plan expected = Plan::build(context_with(nullptr), plain.store(), plain.lower(step_options()));
  for (int64_t s = 1; s <= 4; s++) {
    fill_batch(expected, s);
    set_scalars(plain.store(), s);
    expected.run(batch);
  }
  EXPECT_TRUE(net.store().get("0.weight") == plain.store().get("0.weight"));
  const Tensor weight = plain.store().get("0.weight");
  for (int64_t i = 0; i < inputs; i++) {
    double sum = 0;
    for (int64_t j = 0; j < hidden; j++) sum += weight.values<float>()[size_t(i * hidden + j)];
    EXPECT_FLOAT_EQ(sums.data<float>("sums")[i], float(sum));
  }
}

TEST(Plan, StorePlainResumedInAnotherLayoutIsTheSameRun) {
  Sequential straight = network();
  const Trained all = train(straight, context_with(nullptr), step_options(), 30);
  // 15 steps packed, out as plain tensors, in again, 15 more.
  Sequential first = network(), second = network();
  const Context context = context_with(whole_step());
  Plan a = Plan::build(context, first.store(), first.lower(step_options()));
  Plan b = Plan::build(context, second.store(), second.lower(step_options()));
  for (int64_t s = 1; s <= 30; s++) {
    if (s == 16)
      for (const auto& [name, entry] : first.store().entries())
        second.store().set(name, first.store().get(name));
    Plan& plan = s <= 15 ? a : b;
    fill_batch(plan, s);
    set_scalars((s <= 15 ? first : second).store(), s);
    plan.run(s % 3 == 0 ? 22 : batch);
  }
  for (const char* name : {"0.weight", "0.weight.first", "2.bias"})
    EXPECT_TRUE(second.store().get(name) == all.values.at(name)) << name;
}

TEST(Plan, PermutedWiringIsNotClaimed) {
  // The families of forward programs of two dense layers in a row; the second reads x instead of what the
  // first made.
  auto forward = [](bool permuted) {
    Program p;
    const auto x = p.add_buffer({.name = "x", .role = Role::input, .shape = {batch, 4}, .batch = true});
    const auto w = p.add_buffer({.name = "w", .role = Role::parameter, .shape = {4, 4}});
    const auto z = p.add_buffer({.name = "z", .shape = {batch, 4}, .batch = true});
    const auto v = p.add_buffer({.name = "v", .shape = {batch, 4}, .batch = true});
    const auto y = p.add_buffer({.name = "y", .role = Role::output, .shape = {batch, 4}, .batch = true});
    const MatmulSpec dense{.m = batch, .n = 4, .k = 4};
    p.add("first", dense, {x, w, no_buffer, z});
    p.add("second", dense, {permuted ? x : z, w, no_buffer, v});
    p.add("relu", ActivationSpec{.kind = Activation::relu, .m = batch, .n = 4}, {permuted ? z : v, y});
    return p;
  };
  for (const bool permuted : {false, true}) {
    Store store;
    Plan plan = Plan::build(context_with(std::make_unique<TestBackend>("step", match_step)), store,
                            forward(permuted));
    EXPECT_EQ(plan.rows()[0].last, permuted ? 1u : 3u);
    Store pair_store;
    Plan pair = Plan::build(context_with(std::make_unique<TestBackend>("pair", match_dense_relu)), pair_store,
                            forward(permuted));
    EXPECT_EQ(pair.rows().back().why == "fused 2", !permuted);
  }
}

TEST(Plan, InternalBuffersShareTheArena) {
  Sequential net = network();
  Plan single = Plan::build(context_with(nullptr), net.store(), net.lower(step_options()));
  size_t sum = 0;
  for (const Buffer& b : single.program().buffers())
    if (b.role == Role::temporary) sum += size_t(b.shape.elements()) * size_of(b.dtype);
  EXPECT_LT(single.arena_bytes(), sum + batch * (inputs + 1) * 4 + 4096);
}

TEST(Plan, RowsBeyondTheMaximumAndUnknownNamesAreErrors) {
  Sequential net = network();
  Plan plan =
      Plan::build(context_with(nullptr), net.store(), net.lower({.part = Part::forward, .batch = batch}));
  EXPECT_THROW(plan.run(batch + 1), ShapeError);
  EXPECT_THROW(plan.run(-1), ShapeError);
  EXPECT_THROW(plan.data("z"), ArgumentError);
  plan.run(0);
}

TEST(Plan, BoundInputAndOutputAreUsedInPlace) {
  Sequential net = network();
  Plan plan =
      Plan::build(context_with(nullptr), net.store(), net.lower({.part = Part::forward, .batch = batch}));
  std::vector<float> x(batch * inputs, 0.5f), y(batch * classes, -1), expected;
  std::copy(x.begin(), x.end(), plan.data<float>("x"));
  plan.run(batch);
  expected.assign(plan.data<float>("y"), plan.data<float>("y") + y.size());
  plan.bind("x", x.data());
  plan.bind("y", y.data());
  plan.run(batch);
  EXPECT_EQ(y, expected);
}

/// Memory of exactly so many floats, with a page behind it that nobody may touch.
std::unique_ptr<conformance::GuardedBuffer> guarded(int64_t rows, int64_t columns, Access access) {
  const Operand operand{.rows = rows, .columns = columns, .stride = columns, .access = access};
  auto buffer = std::make_unique<conformance::GuardedBuffer>(operand, rows,
                                                             conformance::Placement::before_guard, 0);
  buffer->store(access == Access::in ? conformance::Matrix(rows, columns, 0.5) : conformance::Matrix());
  return buffer;
}

TEST(Plan, NothingReadsABoundBatchBeyondItsRows) {
  constexpr int64_t rows = 22;
  for (const Check policy : {Check::none, Check::nan, Check::reference}) {
    Sequential net = network();
    Plan plan = Plan::build(context_with(nullptr, {.check = policy}), net.store(),
                            net.lower({.part = Part::forward, .batch = batch}));
    const auto x = guarded(rows, inputs, Access::in), y = guarded(rows, classes, Access::out);
    plan.bind("x", x->address());
    plan.bind("y", y->address());
    plan.run(rows);
    EXPECT_EQ(plan.check(rows).relative, 0);
    EXPECT_EQ(x->damage() + y->damage(), "");
  }
}

TEST(Plan, TableHasALineARowAndNamesWhatIsInside) {
  Sequential net = network();
  Plan plan = Plan::build(context_with(std::make_unique<TestBackend>("pair", match_dense_relu)), net.store(),
                          net.lower({.part = Part::forward, .batch = batch}));
  const std::string table = plan.table();
  EXPECT_NE(table.find("matmul/nn/f32/m32~/n10/k13/bias/relu"), std::string::npos) << table;
  EXPECT_NE(table.find("fused 2"), std::string::npos) << table;
  EXPECT_NE(table.find("fallback: none in pair"), std::string::npos) << table;
}

}  // namespace
}  // namespace plexus

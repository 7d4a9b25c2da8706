// What every backend runs as one kernel, against its own kernels one by one.
#include <algorithm>

#include "backends/every_backend.h"
#include "backends/max_isa.h"
#include "plexus/backends/conformance/modes.h"
#include "plexus/backends/registry.h"
#include "plexus/core/plan.h"
#include "plexus/core/random.h"

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

// What the default backend is for: forward, back and the step of a layer's parameters are a kernel each.
TEST(FusedKernels, ALayerTakesThree) {
  const Context context = make_context({.threads = 1});
  if (context.backends().size() == 1) GTEST_SKIP() << "there is no backend but the reference";
  constexpr int64_t batch = 8, in = 20, out = 40;
  Program program;
  const auto add = [&](const char* name, Role role, Shape shape, bool rows = false, BufferId like = no_buffer) {
    return program.add_buffer({.name = name, .role = role, .shape = shape, .batch = rows, .like = like});
  };
  const BufferId x = add("x", Role::input, {batch, in}, true), w = add("w", Role::parameter, {in, out});
  const BufferId b = add("b", Role::parameter, {out}), z = add("z", Role::temporary, {batch, out}, true);
  const BufferId y = add("y", Role::output, {batch, out}, true), dy = add("dy", Role::input, {batch, out}, true);
  const BufferId dh = add("dh", Role::temporary, {batch, in}, true), dx = add("dx", Role::output, {batch, in}, true);
  const BufferId dw = add("dw", Role::temporary, {in, out}, false, w), db = add("db", Role::temporary, {out});
  const BufferId rate = add("learning_rate", Role::scalar, {1});
  program.add("forward", MatmulSpec{.m = batch, .n = out, .k = in, .bias = true}, {x, w, b, z});
  program.add("relu", ActivationSpec{.kind = Activation::relu, .m = batch, .n = out}, {z, y});
  program.add("back", MatmulSpec{.form = Form::nt, .m = batch, .n = in, .k = out}, {dy, w, no_buffer, dh});
  program.add("relu back", ActivationGradientSpec{.kind = Activation::relu, .m = batch, .n = in}, {dh, x, dx});
  program.add("dw", MatmulSpec{.form = Form::tn, .m = in, .n = out, .k = batch, .batch = Batch::k}, {x, dy, no_buffer, dw});
  program.add("db", ReduceSpec{.kind = Reduction::column_sum, .m = batch, .n = out}, {dy, db});
  const auto update = [&](const char* name, int64_t m, BufferId parameter, BufferId gradient) {
    program.add(name, UpdateSpec{.kind = UpdateKind::sgd, .m = m, .n = out},
                {parameter, gradient, no_buffer, no_buffer, rate, no_buffer, no_buffer});
  };
  update("update w", in, w, dw);
  update("update b", 1, b, db);
  Store store;
  const Plan plan = Plan::build(context, store, program);
  EXPECT_EQ(plan.rows().size(), 3u) << plan.table();
}

/// A layer with relu before and behind it, forward and back, against the reference. Its weights lie as the backend likes them where
/// they are a parameter, in rows where they are an input.
void expect_layer(const std::string& name, const Context& context, int64_t rows, int64_t in, int64_t out, Role role = Role::parameter) {
  announce(name + ": " + std::to_string(rows) + " x " + std::to_string(in) + " x " + std::to_string(out));
  Program program;
  const auto add = [&](const char* buffer, Role of, Shape shape, bool batch = true) {
    return program.add_buffer({.name = buffer, .role = of, .shape = shape, .batch = batch});
  };
  const BufferId weights = add("w", role, {in, out}, false);
  const BufferId x = add("x", Role::input, {rows, in}), z = add("z", Role::temporary, {rows, out});
  const BufferId y = add("y", Role::output, {rows, out}), dy = add("dy", Role::input, {rows, out});
  const BufferId dh = add("dh", Role::temporary, {rows, in}), dx = add("dx", Role::output, {rows, in});
  program.add("forward", MatmulSpec{.m = rows, .n = out, .k = in}, {x, weights, no_buffer, z});
  program.add("relu", ActivationSpec{.kind = Activation::relu, .m = rows, .n = out}, {z, y});
  program.add("backward", MatmulSpec{.form = Form::nt, .m = rows, .n = in, .k = out}, {dy, weights, no_buffer, dh});
  program.add("relu back", ActivationGradientSpec{.kind = Activation::relu, .m = rows, .n = in}, {dh, x, dx});
  Store store;
  Plan plan = Plan::build(context, store, program);
  const RandomStream random(1, Purpose::user, 0);
  Tensor values(DType::f32, {in, out});
  for (int64_t i = 0; i < in * out; i++) values.values<float>()[size_t(i)] = float(random.normal(uint64_t(i)));
  if (role == Role::parameter)
    store.set("w", values);
  else
    std::ranges::copy(values.values<float>(), plan.data<float>("w"));
  for (int64_t i = 0; i < rows * in; i++) plan.data<float>("x")[i] = float(random.normal(uint64_t(in * out + i)));
  for (int64_t i = 0; i < rows * out; i++) plan.data<float>("dy")[i] = float(random.normal(uint64_t(i)));
  const Plan::Difference difference = plan.check(rows);
  EXPECT_FALSE(difference.wrong) << name << ", " << rows << " rows, " << in << " x " << out << ": " << difference.where;
}

// Layers so wide that several threads share them, and so deep that they are multiplied in pieces.
TEST(FusedKernels, ShareWideLayers) {
  on_every_backend(
      [&](const std::string& name, const Context& context) {
        for (const int64_t rows : {1, 4, 7, 40, 140}) expect_layer(name, context, rows, 1030, 1501);
        for (const int64_t rows : {1, 40, 140}) expect_layer(name, context, rows, 1030, 1056, Role::input);
      },
      4);
}

// The rows of a weight gradient are worked on some hundred at a time where a batch is deep or rows of the input lie on few lines of a
// cache: any number of them may be left, and the last columns fill no panel. Clipped gradients are not used up where they are made.
TEST(FusedKernels, StepWideLayers) {
  const auto expect_step = [](const std::string& name, const Context& context, int64_t rows, int64_t in, int64_t out, double clip) {
    announce(name + ": " + std::to_string(rows) + " x " + std::to_string(in) + " x " + std::to_string(out));
    Program program;
    const BufferId x = program.add_buffer({.name = "x", .role = Role::input, .shape = {rows, in}, .batch = true}),
                   dy = program.add_buffer({.name = "dy", .role = Role::input, .shape = {rows, out}, .batch = true}),
                   weights = program.add_buffer({.name = "w", .role = Role::parameter, .shape = {in, out}}),
                   gradient = program.add_buffer({.name = "dw", .shape = {in, out}, .like = weights}),
                   first = program.add_buffer({.name = "m", .role = Role::state, .shape = {in, out}, .like = weights}),
                   rate = program.add_buffer({.name = "learning_rate", .role = Role::scalar, .shape = {1}}),
                   y = program.add_buffer({.name = "y", .role = Role::output, .shape = {rows, out}, .batch = true});
    program.add("forward", MatmulSpec{.m = rows, .n = out, .k = in}, {x, weights, no_buffer, y});  // wants weights in panels
    program.add("dW", MatmulSpec{.form = Form::tn, .m = in, .n = out, .k = rows, .batch = Batch::k}, {x, dy, no_buffer, gradient});
    program.add("update", UpdateSpec{.kind = UpdateKind::sgd, .m = in, .n = out, .momentum = 0.9, .clip_value = clip},
                {weights, gradient, first, no_buffer, rate, no_buffer, no_buffer});
    Store store;
    Plan plan = Plan::build(context, store, program);
    store.scalar<float>("learning_rate") = 0.5f;
    const RandomStream random(1, Purpose::user, 0);
    for (int64_t i = 0; i < rows * in; i++) plan.data<float>("x")[i] = float(random.normal(uint64_t(i)));
    for (int64_t i = 0; i < rows * out; i++) plan.data<float>("dy")[i] = float(random.normal(uint64_t(rows * in + i)));
    for (const int64_t of : {rows, rows - 1}) {
      const Plan::Difference difference = plan.check(of);
      EXPECT_FALSE(difference.wrong) << name << ", " << of << " rows, " << in << " x " << out << ": " << difference.where;
    }
  };
  for (const int threads : {1, 3})
    on_every_backend(
        [&](const std::string& name, const Context& context) {
          for (const double clip : {0.0, 20.0}) {
            expect_step(name, context, 140, 1280, 160, clip);
            expect_step(name, context, 520, 311, 290, clip);
            expect_step(name, context, 1030, 256, 160, clip);
          }
        },
        threads);
}

// The columns of one row end anywhere in a panel, and are taken a few vectors at a time, of whatever length.
TEST(FusedKernels, EndOneRowAnywhere) {
  const auto expect_widths = [](const std::string& name, const Context& context) {
    for (const Role role : {Role::parameter, Role::input})
      for (const int64_t out : {1, 3, 8, 10, 15, 17, 24, 29, 31, 32, 33, 47, 63, 70, 100, 120, 300})
        for (const int64_t in : {1, 13, 40}) expect_layer(name, context, 1, in, out, role);
  };
  on_every_backend(expect_widths, 1);
  for (const std::string& isa : test::instruction_sets()) expect_widths("simd, " + isa, test::simd_context(isa, 1));
}

// Rows of a batch that cancel but for what was rounded on the way: Adam divides the rest by its own size, and makes a step of
// whatever sign it has. Each backend has a rest of its own, none is wrong.
TEST(PlanCheck, LetsGradientsCancel) {
  constexpr int64_t rows = 64, in = 96, out = 24;
  Program program;
  const BufferId x = program.add_buffer({.name = "x", .role = Role::input, .shape = {rows, in}, .batch = true}),
                 dy = program.add_buffer({.name = "dy", .role = Role::input, .shape = {rows, out}, .batch = true}),
                 weights = program.add_buffer({.name = "w", .role = Role::parameter, .shape = {in, out}}),
                 gradient = program.add_buffer({.name = "dw", .shape = {in, out}, .like = weights}),
                 first = program.add_buffer({.name = "m1", .role = Role::state, .shape = {in, out}, .like = weights}),
                 second = program.add_buffer({.name = "m2", .role = Role::state, .shape = {in, out}, .like = weights}),
                 rate = program.add_buffer({.name = "learning_rate", .role = Role::scalar, .shape = {1}}),
                 step = program.add_buffer({.name = "step", .role = Role::scalar, .shape = {1}, .dtype = DType::i64});
  program.add("dW", MatmulSpec{.form = Form::tn, .m = in, .n = out, .k = rows, .batch = Batch::k}, {x, dy, no_buffer, gradient});
  program.add("update",
              UpdateSpec{.kind = UpdateKind::adam, .m = in, .n = out, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8},
              {weights, gradient, first, second, rate, step, no_buffer});
  double most = 0;
  bool others = false;
  on_every_backend([&](const std::string& name, const Context& context) {
    Store store;
    Plan plan = Plan::build(context, store, program);
    store.scalar<float>("learning_rate") = 0.001f;
    store.scalar<int64_t>("step") = 1;
    const RandomStream random(1, Purpose::user, 0);
    for (int64_t row = 0; row < rows; row++) {
      for (int64_t i = 0; i < in; i++)
        plan.data<float>("x")[row * in + i] = float(random.uniform(uint64_t(row / 2 * in + i)) - 0.5);
      for (int64_t j = 0; j < out; j++)
        plan.data<float>("dy")[row * out + j] =
            float((row % 2 ? -1 : 1) * (random.uniform(uint64_t(100000 + row / 2 * out + j)) - 0.5));
    }
    const Plan::Difference difference = plan.check(rows);
    EXPECT_FALSE(difference.wrong) << name << ": " << difference.where;
    most = std::max(most, difference.relative);
    others |= name != "reference";
  });
  if (others) {
    EXPECT_GT(most, 1e-4) << "nothing cancelled";
  }
}

TEST(FusedKernels, HaveTheBitsOfTheirPartsLong) { expect_pieces(50'000, 2); }

}  // namespace
}  // namespace plexus::conformance

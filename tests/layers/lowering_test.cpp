// The programs that networks become: what is in them, in which order, and what they compute.
#include <algorithm>
#include <cmath>

#include "layers/network.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/dropout.h"
#include "plexus/layers/flatten.h"
#include "plexus/layers/standardize.h"

namespace plexus {
namespace {

using namespace plexus::testing;
using Lines = std::vector<std::string>;

constexpr int64_t inputs = 5, hidden = 4, classes = 3;

Sequential network(DType dtype = DType::f32) {
  Sequential net{Dense(hidden), Relu(), Dense(classes)};
  net.build({inputs}, 7, dtype);
  return net;
}

LoweringOptions options_of(Part part, int64_t batch = 8, DType dtype = DType::f32) {
  LoweringOptions options;
  options.part = part;
  options.batch = batch;
  options.dtype = dtype;
  return options;
}

Lines lines(const Program& program) {
  Lines lines;
  for (const Operation& operation : program.operations())
    lines.push_back(operation.label + ": " + to_string(operation.spec));
  return lines;
}

/// The buffers of an operation by name, slot after slot.
Lines buffers(const Program& program, const std::string& label) {
  Lines names;
  for (const Operation& operation : program.operations())
    if (operation.label == label)
      for (const BufferId id : operation.buffers) names.push_back(id == no_buffer ? "-" : program[id].name);
  return names;
}

template <class T>
void fill_batch(Plan& plan, int64_t rows, int64_t first = 0) {
  const RandomStream stream(4, Purpose::user);
  for (int64_t i = 0; i < rows * inputs; i++)
    plan.data<T>("x")[i] = T(2 * stream.uniform(uint64_t(first * inputs + i)) - 1);
  for (int64_t i = 0; i < rows; i++) plan.data<int32_t>("target")[i] = int32_t((first + i) % classes);
}

// Backends match whole runs of this order: dx, the backward of what lies below, dW, column sum, updates.
TEST(Lowering, StepHasTheCanonicalOrder) {
  LoweringOptions options = options_of(Part::step);
  options.update.momentum = 0.9;
  EXPECT_EQ(lines(network().lower(options)),
            (Lines{"0 Dense: matmul/nn/f32/m8~/n4/k5/bias",                    //
                   "1 Relu: activation/relu/f32/m8~/n4",                       //
                   "2 Dense: matmul/nn/f32/m8~/n3/k4/bias",                    //
                   "loss: loss/softmax_cross_entropy/f32/m8~/n3/gradient",     //
                   "2 Dense dx: matmul/nt/f32/m8~/n4/k3",                      //
                   "1 Relu backward: activation/relu/gradient/f32/m8~/n4",     //
                   "2 Dense dW: matmul/tn/f32/m4/n3/k8~",                      //
                   "2 Dense db: reduce/column_sum/f32/m8~/n3",                 //
                   "2 Dense update weight: update/sgd/f32/m4/n3/momentum0.9",  //
                   "2 Dense update bias: update/sgd/f32/m1/n3/momentum0.9",    //
                   "0 Dense dW: matmul/tn/f32/m5/n4/k8~",                      //
                   "0 Dense db: reduce/column_sum/f32/m8~/n4",                 //
                   "0 Dense update weight: update/sgd/f32/m5/n4/momentum0.9",  //
                   "0 Dense update bias: update/sgd/f32/m1/n4/momentum0.9"}));
}

TEST(Lowering, LayersWithoutParametersStayNextToTheDxAboveThem) {
  Sequential net(Standardize(), Flatten(), Dense(4), Relu(), Dropout(0.5), Dense(3));
  net.build({2, 3});
  EXPECT_EQ(labels(net.lower(options_of(Part::step))),
            (Lines{"input Standardize", "1 Dense", "2 Relu", "3 Dropout", "4 Dense", "loss",  //
                   "4 Dense dx", "3 Dropout backward", "2 Relu backward",                     //
                   "4 Dense dW", "4 Dense db", "4 Dense update weight", "4 Dense update bias", "1 Dense dW",
                   "1 Dense db", "1 Dense update weight", "1 Dense update bias"}));
}

TEST(Lowering, OperationsAreWiredThroughTheRightBuffers) {
  LoweringOptions options = options_of(Part::step);
  options.update = {.kind = UpdateKind::adam, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
  const Program program = network().lower(options);
  EXPECT_EQ(buffers(program, "0 Dense"), (Lines{"x", "0.weight", "0.bias", "0.y"}));
  EXPECT_EQ(buffers(program, "2 Dense"), (Lines{"1.y", "2.weight", "2.bias", "2.y"}));
  EXPECT_EQ(buffers(program, "loss"), (Lines{"2.y", "target", "-", "-", "-", "loss.gradient", "loss"}));
  EXPECT_EQ(buffers(program, "2 Dense dx"), (Lines{"loss.gradient", "2.weight", "-", "2.dx"}));
  EXPECT_EQ(buffers(program, "1 Relu backward"), (Lines{"2.dx", "1.y", "1.dx"}));
  EXPECT_EQ(buffers(program, "2 Dense dW"), (Lines{"1.y", "loss.gradient", "-", "2.weight.gradient"}));
  EXPECT_EQ(buffers(program, "0 Dense db"), (Lines{"1.dx", "0.bias.gradient"}));
  EXPECT_EQ(buffers(program, "0 Dense update weight"),
            (Lines{"0.weight", "0.weight.gradient", "0.weight.first", "0.weight.second", "learning_rate",
                   "step", "-"}));
  for (const char* name : {"0.weight.gradient", "0.weight.first", "0.weight.second"})
    EXPECT_EQ(program[program.find(name)].like, program.find("0.weight")) << name;
  EXPECT_EQ(program[program.find("0.weight.gradient")].role, Role::temporary);
}

TEST(Lowering, ForwardAndLossGiveTheOutput) {
  const Sequential net = network();
  const Program forward = net.lower(options_of(Part::forward));
  EXPECT_EQ(labels(forward), (Lines{"0 Dense", "1 Relu", "2 Dense"}));
  EXPECT_EQ(forward[forward.find("y")].role, Role::output);
  EXPECT_EQ(forward[forward.find("y")].shape, (Shape{8, classes}));
  EXPECT_EQ(forward.find("target"), no_buffer);
  EXPECT_EQ(lines(net.lower(options_of(Part::loss))).back(), "loss: loss/softmax_cross_entropy/f32/m8~/n3");
  // Layers without operations at the end: the one before them makes the output.
  Sequential silent(Dense(4), Dropout(0.5), Flatten());
  silent.build({5});
  EXPECT_EQ(buffers(silent.lower(options_of(Part::forward)), "0 Dense").back(), "y");
}

TEST(Lowering, LossProgramComputesTheLossOfTheOutput) {
  on_every_backend([](const Context& context) {
    Sequential net = network();
    Plan plan = Plan::build(context, net.store(), net.lower(options_of(Part::loss)));
    fill_batch<float>(plan, 8);
    plan.run(6);
    const float* y = plan.data<float>("y");
    double expected = 0;
    for (int64_t i = 0; i < 6; i++) {
      double sum = 0;
      for (int64_t j = 0; j < classes; j++) sum += std::exp(double(y[i * classes + j]));
      expected += (std::log(sum) - y[i * classes + plan.data<int32_t>("target")[i]]) / 6;
    }
    EXPECT_NEAR(net.store().scalar<float>("loss"), expected, 1e-6);
  });
}

TEST(Lowering, RowCountsAreSortedAndGivenOnce) {
  LoweringOptions options = options_of(Part::step);
  EXPECT_EQ(network().lower(options).row_counts, std::vector<int64_t>{8});
  options.row_counts = {8, 3, 8};
  EXPECT_EQ(network().lower(options).row_counts, (std::vector<int64_t>{3, 8}));
}

TEST(Lowering, FrozenLayersHaveNoGradientAndNothingBelowTheLowestTrainedIsDifferentiated) {
  Sequential net(Dense(4), Relu(), Dense(3), Relu(), Dense(2));
  net.build({5});
  net[0].frozen = true;
  net[4].frozen = true;
  EXPECT_EQ(
      labels(net.lower(options_of(Part::step))),
      (Lines{"0 Dense", "1 Relu", "2 Dense", "3 Relu", "4 Dense", "loss", "4 Dense dx", "3 Relu backward",
             "2 Dense dW", "2 Dense db", "2 Dense update weight", "2 Dense update bias"}));
  LoweringOptions options = options_of(Part::backward);
  options.input_gradient = true;
  EXPECT_EQ(labels(net.lower(options)), (Lines{"0 Dense", "1 Relu", "2 Dense", "3 Relu", "4 Dense", "loss",
                                               "4 Dense dx", "3 Relu backward", "2 Dense dx",
                                               "1 Relu backward", "2 Dense dW", "2 Dense db", "0 Dense dx"}));
}

TEST(Lowering, FrozenParametersStayAndOthersMove) {
  on_every_backend([](const Context& context) {
    Sequential net = network();
    net[0].frozen = true;
    const Sequential before = net.clone();
    Plan plan = Plan::build(context, net.store(), net.lower(options_of(Part::step)));
    fill_batch<float>(plan, 8);
    set(net.store(), "learning_rate", 0.1);
    plan.run(8);
    EXPECT_EQ(values(net.store(), "0.weight"), values(before.store(), "0.weight"));
    EXPECT_EQ(values(net.store(), "0.bias"), values(before.store(), "0.bias"));
    EXPECT_NE(values(net.store(), "2.weight"), values(before.store(), "2.weight"));
    EXPECT_NE(values(net.store(), "2.bias"), values(before.store(), "2.bias"));
  });
}

TEST(Lowering, NothingToTrainIsAnErrorButItsInputGradientIsNot) {
  Sequential net = network();
  net[0].frozen = net[2].frozen = true;
  const std::string expected = "lower: no layer is trained: unfreeze one, or add Dense(...)";
  for (const Part part : {Part::step, Part::backward, Part::apply})
    EXPECT_EQ(message<ArgumentError>([&] { net.lower(options_of(part)); }), expected);
  LoweringOptions options = options_of(Part::backward);
  options.input_gradient = true;
  EXPECT_EQ(labels(net.lower(options)).back(), "0 Dense dx");
}

TEST(Lowering, StepMovesParametersAgainstTheGradient) {
  Sequential net = network(DType::f64), other = network(DType::f64);
  Plan backward =
      Plan::build(reference_context(), net.store(), net.lower(options_of(Part::backward, 8, DType::f64)));
  Plan step =
      Plan::build(reference_context(), other.store(), other.lower(options_of(Part::step, 8, DType::f64)));
  fill_batch<double>(backward, 8);
  fill_batch<double>(step, 8);
  set(other.store(), "learning_rate", 0.1);
  backward.run(8);
  step.run(8);
  const double before = other.store().scalar<double>("loss");
  for (const char* name : {"0.weight", "0.bias", "2.weight", "2.bias"}) {
    const auto w = values(net.store(), name), g = values(net.store(), std::string(name) + ".gradient");
    const auto moved = values(other.store(), name);
    for (size_t i = 0; i < w.size(); i++) EXPECT_NEAR(moved[i], w[i] - 0.1 * g[i], 1e-15) << name;
  }
  step.run(8);
  EXPECT_LT(other.store().scalar<double>("loss"), before);
}

TEST(Lowering, ClippingComesBetweenAllGradientsAndAllUpdates) {
  LoweringOptions options = options_of(Part::step);
  options.clip_norm = 0.5;
  const Program program = network().lower(options);
  const Lines all = lines(program);
  EXPECT_EQ(
      Lines(all.begin() + 10, all.end()),
      (Lines{"clip norm 2.weight: reduce/sum_squares/f32/m4/n3",
             "clip norm 2.bias: reduce/sum_squares/f32/m1/n3/accumulate",
             "clip norm 0.weight: reduce/sum_squares/f32/m5/n4/accumulate",
             "clip norm 0.bias: reduce/sum_squares/f32/m1/n4/accumulate",
             "clip factor: reduce/clip/f32/limit0.5",  //
             "2 Dense update weight: update/sgd/f32/m4/n3", "2 Dense update bias: update/sgd/f32/m1/n3",
             "0 Dense update weight: update/sgd/f32/m5/n4", "0 Dense update bias: update/sgd/f32/m1/n4"}));
  EXPECT_EQ(buffers(program, "0 Dense update bias").back(), "clip_factor");
}

TEST(Lowering, ClippedStepIsTheStepScaledByHand) {
  const char* const names[] = {"0.weight", "0.bias", "2.weight", "2.bias"};
  for (const double limit : {0.05, 1e6}) {
    Sequential net = network(DType::f64), clipped = network(DType::f64);
    LoweringOptions options = options_of(Part::step, 8, DType::f64);
    options.clip_norm = limit;
    Plan step = Plan::build(reference_context(), clipped.store(), clipped.lower(options));
    Plan backward =
        Plan::build(reference_context(), net.store(), net.lower(options_of(Part::backward, 8, DType::f64)));
    fill_batch<double>(step, 8);
    fill_batch<double>(backward, 8);
    set(clipped.store(), "learning_rate", 0.5);
    step.run(8);
    backward.run(8);
    double squares = 0;
    for (const char* name : names)
      for (const double g : values(net.store(), std::string(name) + ".gradient")) squares += g * g;
    ASSERT_GT(squares, 0.05 * 0.05);
    const double factor = std::min(1.0, limit / (std::sqrt(squares) + 1e-6));
    for (const char* name : names) {
      const auto w = values(net.store(), name), g = values(net.store(), std::string(name) + ".gradient");
      const auto moved = values(clipped.store(), name);
      for (size_t i = 0; i < w.size(); i++) EXPECT_NEAR(moved[i], w[i] - 0.5 * factor * g[i], 1e-14) << name;
    }
  }
}

// In f64: the reference's chains run in double, and the second half carries on where the first one rounded to the type.
TEST(Lowering, GradientsOfTwoHalvesHaveTheBitsOfTheWhole) {
  on_every_backend([](const Context& context) {
    for (const double clip : {0.0, 0.05}) {
      Sequential whole = network(DType::f64), halves = network(DType::f64);
      LoweringOptions step = options_of(Part::step, 32, DType::f64);
      step.loss_scale = true;
      step.clip_norm = clip;
      LoweringOptions first = step, second, apply = step;
      first.part = Part::backward;
      first.batch = 16;
      second = first;
      second.accumulate = true;
      apply.part = Part::apply;
      Plan one = Plan::build(context, whole.store(), whole.lower(step));
      std::vector<Plan> parts = Plan::build(context, halves.store(),
                                            {halves.lower(first), halves.lower(second), halves.lower(apply)});
      fill_batch<double>(one, 32);
      fill_batch<double>(parts[0], 16);
      fill_batch<double>(parts[1], 16, 16);
      for (Sequential* net : {&whole, &halves}) {
        set(net->store(), "learning_rate", 0.25);
        set(net->store(), "loss_scale", 1.0 / 32);
      }
      for (int repeat = 0; repeat < 3; repeat++) {
        one.run(32);
        parts[0].run(16);
        parts[1].run(16);
        parts[2].run(0);
      }
      for (const char* name : {"0.weight", "0.bias", "2.weight", "2.bias"}) {
        EXPECT_TRUE(whole.store().get(name) == halves.store().get(name)) << name;
        EXPECT_NE(values(whole.store(), name), values(network(DType::f64).store(), name));
      }
    }
  });
}

TEST(Lowering, KeptGradientsAreThoseOfTheBackwardProgram) {
  on_every_backend([](const Context& context) {
    Sequential step = network(), backward = network();
    LoweringOptions options = options_of(Part::step);
    options.keep_gradients = true;
    Plan a = Plan::build(context, step.store(), step.lower(options));
    Plan b = Plan::build(context, backward.store(), backward.lower(options_of(Part::backward)));
    fill_batch<float>(a, 8);
    fill_batch<float>(b, 8);
    a.run(8);
    b.run(8);
    for (const char* name : {"0.weight.gradient", "0.bias.gradient", "2.weight.gradient", "2.bias.gradient"})
      EXPECT_TRUE(step.store().get(name) == backward.store().get(name)) << name;
  });
}

TEST(Lowering, RefusesWhatMakesNoProgram) {
  Sequential net = network();
  EXPECT_EQ(message<ArgumentError>([] { Sequential(Dense(2)).lower({}); }),
            "lower: the network is not built: call build with a row's shape");
  EXPECT_EQ(message<ShapeError>([&] { net.lower(options_of(Part::step, 8, DType::f64)); }),
            "lower: a program in f64 of a network built in f32");
  EXPECT_EQ(message<ArgumentError>([&] { net.lower(options_of(Part::step, 0)); }),
            "lower: batches of 0 rows: choose 1 or more");
  LoweringOptions tail = options_of(Part::step);
  tail.row_counts = {9};
  EXPECT_EQ(message<ArgumentError>([&] { net.lower(tail); }), "lower: 9 rows in batches of at most 8");
  LoweringOptions clip = options_of(Part::step);
  clip.clip_norm = -1;
  EXPECT_THROW(net.lower(clip), ArgumentError);
  LoweringOptions mse = options_of(Part::step);
  mse.loss = Mse{};
  EXPECT_EQ(message<ShapeError>([&] { net.lower(mse); }),
            "loss mse: class numbers as targets need softmax cross entropy");
  Sequential silent{Flatten()};
  silent.build({2, 3});
  EXPECT_EQ(message<ArgumentError>([&] { silent.lower(options_of(Part::forward)); }),
            "lower: no layer of the network computes anything: add Dense(...)");
}

}  // namespace
}  // namespace plexus

// Which operands a spec has: types, sizes, strides, access.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/named_layout.h"
#include "plexus/core/spec/spec.h"

namespace plexus {
namespace {

using namespace plexus::testing;

/// An operand in one line: type, rows (~: batch) x columns, stride where not dense, then what is special.
std::string describe(const Spec& spec, size_t slot) {
  const Operand o = operand(spec, slot);
  std::string line = std::string(slots(spec)[slot].name) + " " + std::string(to_string(o.dtype)) + " " +
                     std::to_string(o.rows) + (o.batch ? "~" : "") + "x" + std::to_string(o.columns);
  if (o.stride != o.columns) line += " stride " + std::to_string(o.stride);
  if (!o.used) line += " unused";
  if (o.optional) line += " optional";
  line += o.access == Access::in ? " in" : o.access == Access::out ? " out" : " inout";
  if (o.layout) line += " " + o.layout->name();
  return line;
}
std::vector<std::string> operands(const Spec& spec) {
  std::vector<std::string> lines;
  for (size_t slot = 0; slot < slots(spec).size(); slot++) lines.push_back(describe(spec, slot));
  return lines;
}
using Lines = std::vector<std::string>;

TEST(OperandTest, Matmul) {
  EXPECT_EQ(operands(MatmulSpec{.m = 8, .n = 5, .k = 7, .bias = true, .layout = &tiles}),
            (Lines{"a f32 8~x7 in", "b f32 7x5 in tiles16", "bias f32 1x5 in", "c f32 8~x5 out"}));
  EXPECT_EQ(operands(MatmulSpec{.form = Form::nt, .m = 8, .n = 5, .k = 7, .lda = 10, .ldb = 11, .ldc = 12}),
            (Lines{"a f32 8~x7 stride 10 in", "b f32 5x7 stride 11 in", "bias f32 1x5 unused in",
                   "c f32 8~x5 stride 12 out"}));
  EXPECT_EQ(
      operands(MatmulSpec{
          .form = Form::tn, .m = 8, .n = 5, .k = 7, .batch = Batch::k, .accumulate = true, .layout = &tiles}),
      (Lines{"a f32 7~x8 in", "b f32 7~x5 in", "bias f32 1x5 unused in", "c f32 8x5 inout tiles16"}));
  EXPECT_EQ(operands(MatmulSpec{.m = 8,
                                .n = 5,
                                .k = 7,
                                .batch = Batch::none,
                                .bias = true,
                                .a = DType::bf16,
                                .b = DType::i8,
                                .c = DType::f64}),
            (Lines{"a bf16 8x7 in", "b i8 7x5 in", "bias f64 1x5 in", "c f64 8x5 out"}));
}

TEST(OperandTest, Activation) {
  EXPECT_EQ(operands(ActivationSpec{.m = 8, .n = 5}), (Lines{"x f32 8~x5 in", "y f32 8~x5 out"}));
  EXPECT_EQ(operands(ActivationGradientSpec{.m = 8, .n = 5, .batch = Batch::none, .dtype = DType::f64}),
            (Lines{"dy f64 8x5 in", "saved f64 8x5 in", "dx f64 8x5 out"}));
}

TEST(OperandTest, Loss) {
  EXPECT_EQ(
      operands(LossSpec{.kind = LossKind::softmax_cross_entropy, .m = 8, .n = 5, .class_weights = true}),
      (Lines{"prediction f32 8~x5 in", "target i32 8~x1 in", "class_weights f32 1x5 in",
             "sample_weights f32 8~x1 unused in", "scale f32 1x1 optional in", "gradient f32 8~x5 out",
             "value f32 1x1 out"}));
  EXPECT_EQ(
      operands(LossSpec{.m = 8, .n = 5, .gradient = false, .sample_weights = true, .dtype = DType::f64}),
      (Lines{"prediction f64 8~x5 in", "target f64 8~x5 in", "class_weights f64 1x5 unused in",
             "sample_weights f64 8~x1 in", "scale f64 1x1 optional in", "gradient f64 8~x5 unused out",
             "value f64 1x1 out"}));
  EXPECT_EQ(describe(LossSpec{.kind = LossKind::softmax_cross_entropy_one_hot, .m = 8, .n = 5}, 1),
            "target f32 8~x5 in");
}

TEST(OperandTest, Dropout) {
  EXPECT_EQ(operands(DropoutSpec{.m = 8, .n = 5}),
            (Lines{"x f32 8~x5 in", "seed i64 1x1 in", "step i64 1x1 in", "y f32 8~x5 out"}));
}

TEST(OperandTest, Reduce) {
  const auto reduce = [](Reduction kind, bool accumulate = false) {
    return operands(ReduceSpec{.kind = kind, .m = 8, .n = 5, .accumulate = accumulate});
  };
  EXPECT_EQ(reduce(Reduction::column_sum), (Lines{"x f32 8~x5 in", "y f32 1x5 out"}));
  EXPECT_EQ(reduce(Reduction::row_sum, true), (Lines{"x f32 8~x5 in", "y f32 8~x1 inout"}));
  EXPECT_EQ(reduce(Reduction::sum_squares, true), (Lines{"x f32 8~x5 in", "y f64 1x1 inout"}));
  EXPECT_EQ(reduce(Reduction::argmax), (Lines{"x f32 8~x5 in", "y i32 8~x1 out"}));
  EXPECT_EQ(operands(ReduceSpec{
                .kind = Reduction::sum_squares, .m = 8, .n = 5, .batch = Batch::none, .layout = &tiles}),
            (Lines{"x f32 8x5 in tiles16", "y f64 1x1 out"}));
  EXPECT_EQ(operands(ClipSpec{}), (Lines{"sum_squares f64 1x1 in", "factor f32 1x1 out"}));
}

TEST(OperandTest, Scale) {
  EXPECT_EQ(operands(ScaleSpec{.m = 8, .n = 5}),
            (Lines{"x f32 8~x5 in", "offset f32 1x5 in", "scale f32 1x5 in", "y f32 8~x5 out"}));
  EXPECT_EQ(describe(ScaleSpec{.m = 8, .n = 5, .offset = false}, 1), "offset f32 1x5 unused in");
}

TEST(OperandTest, Update) {
  EXPECT_EQ(
      operands(UpdateSpec{.kind = UpdateKind::adam, .m = 8, .n = 5, .dtype = DType::f64, .layout = &tiles}),
      (Lines{"parameter f64 8x5 inout tiles16", "gradient f64 8x5 in tiles16", "first f64 8x5 inout tiles16",
             "second f64 8x5 inout tiles16", "learning_rate f64 1x1 in", "step i64 1x1 in",
             "scale f64 1x1 optional in"}));
  const auto used = [](UpdateKind kind, double momentum) {
    const Spec spec = UpdateSpec{.kind = kind, .m = 8, .n = 5, .momentum = momentum};
    std::string names;
    for (const size_t slot : {2, 3, 5})
      if (operand(spec, slot).used) names += slots(spec)[slot].name + std::string(" ");
    return names;
  };
  EXPECT_EQ(used(UpdateKind::sgd, 0), "");
  EXPECT_EQ(used(UpdateKind::sgd, 0.9), "first ");
  EXPECT_EQ(used(UpdateKind::adam, 0), "first second step ");
  EXPECT_EQ(used(UpdateKind::adamw, 0), "first second step ");
  EXPECT_EQ(used(UpdateKind::rmsprop, 0), "second ");
  EXPECT_EQ(used(UpdateKind::rmsprop, 0.9), "first second ");
  EXPECT_EQ(used(UpdateKind::adagrad, 0), "second ");
  for (const UpdateKind kind : {UpdateKind::adamax, UpdateKind::nadam, UpdateKind::radam})
    EXPECT_EQ(used(kind, 0), "first second step ");
  EXPECT_EQ(used(UpdateKind::adadelta, 0), "first second ");
  EXPECT_EQ(operands(MaxNormSpec{.m = 8, .n = 5, .layout = &tiles}),
            Lines{"parameter f32 8x5 inout tiles16"});
}

}  // namespace
}  // namespace plexus

#include "plexus/core/spec/spec.h"

#include <gtest/gtest.h>

#include <limits>
#include <locale>
#include <type_traits>
#include <vector>

#include "core/message.h"
#include "plexus/core/backend.h"
#include "plexus/core/error.h"

namespace plexus {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN(),
                 infinity = std::numeric_limits<double>::infinity();
constexpr int64_t huge = int64_t(1) << 32;

class NamedLayout : public Layout {
 public:
  explicit NamedLayout(std::string name) : name_(std::move(name)) {}
  std::string name() const override { return name_; }
  int64_t elements(const Shape& shape) const override { return shape.elements(); }
  void pack(const void*, void*, const Shape&, DType) const override {}
  void unpack(const void*, void*, const Shape&, DType) const override {}

 private:
  std::string name_;
};
const NamedLayout tiles("tiles16"), columns_layout("columns");

/// A valid spec of every family, and of every family every single change that leaves it valid.
std::vector<Spec> distinct_specs() {
  std::vector<Spec> specs;
  const auto add = [&]<class S>(const S& base,
                                std::initializer_list<void (*)(std::type_identity_t<S>&)> changes) {
    specs.push_back(base);
    for (const auto& change : changes) {
      S changed = base;
      change(changed);
      specs.push_back(changed);
    }
  };
  using M = MatmulSpec;
  add(M{.m = 8, .n = 5, .k = 7},
      {[](M& s) { s.form = Form::nt; }, [](M& s) { s.form = Form::tn, s.batch = Batch::k; },
       [](M& s) { s.m = 9; }, [](M& s) { s.n = 4; }, [](M& s) { s.k = 0; },
       [](M& s) { s.batch = Batch::none; }, [](M& s) { s.lda = 7; }, [](M& s) { s.lda = 8; },
       [](M& s) { s.ldb = 8; }, [](M& s) { s.ldc = 8; }, [](M& s) { s.bias = true; },
       [](M& s) { s.accumulate = true; }, [](M& s) { s.a = DType::f64; }, [](M& s) { s.b = DType::f64; },
       [](M& s) { s.c = DType::f64; }, [](M& s) { s.a = s.b = s.c = DType::f64; },
       [](M& s) { s.layout = &tiles; }, [](M& s) { s.layout = &columns_layout; },
       [](M& s) { s.a = s.b = DType::i8, s.c = DType::i32; }});
  using A = ActivationSpec;
  add(A{.kind = Activation::relu, .m = 8, .n = 5},
      {[](A& s) { s.kind = Activation::leaky_relu; },
       [](A& s) { s.kind = Activation::leaky_relu, s.alpha = 0.01; },
       [](A& s) { s.kind = Activation::leaky_relu, s.alpha = 0.01f; },
       [](A& s) { s.kind = Activation::elu, s.alpha = 1; }, [](A& s) { s.kind = Activation::softmax; },
       [](A& s) { s.m = 1; }, [](A& s) { s.n = 1; }, [](A& s) { s.batch = Batch::none; },
       [](A& s) { s.dtype = DType::f64; }});
  using G = ActivationGradientSpec;
  add(G{.kind = Activation::relu, .m = 8, .n = 5},
      {[](G& s) { s.kind = Activation::leaky_relu; },
       [](G& s) { s.kind = Activation::leaky_relu, s.alpha = 0.01; },
       [](G& s) { s.kind = Activation::elu, s.alpha = 1; }, [](G& s) { s.m = 1; }, [](G& s) { s.n = 1; },
       [](G& s) { s.batch = Batch::none; }, [](G& s) { s.dtype = DType::f64; }});
  using L = LossSpec;
  add(L{.kind = LossKind::softmax_cross_entropy, .m = 8, .n = 5},
      {[](L& s) { s.kind = LossKind::softmax_cross_entropy_one_hot; }, [](L& s) { s.kind = LossKind::huber; },
       [](L& s) { s.kind = LossKind::huber, s.delta = 0.5; }, [](L& s) { s.m = 1; }, [](L& s) { s.n = 1; },
       [](L& s) { s.gradient = false; }, [](L& s) { s.class_weights = true; },
       [](L& s) { s.sample_weights = true; }, [](L& s) { s.batch = Batch::none; },
       [](L& s) { s.dtype = DType::f64; }});
  using D = DropoutSpec;
  add(D{.m = 8, .n = 5, .rate = 0.5f},
      {[](D& s) { s.rate = 0; }, [](D& s) { s.rate = 0.1f; }, [](D& s) { s.stream = 1; },
       [](D& s) { s.m = 1; }, [](D& s) { s.n = 1; }, [](D& s) { s.batch = Batch::none; },
       [](D& s) { s.dtype = DType::f64; }});
  using R = ReduceSpec;
  add(R{.kind = Reduction::sum_squares, .m = 8, .n = 5, .batch = Batch::none},
      {[](R& s) { s.kind = Reduction::column_sum; }, [](R& s) { s.kind = Reduction::row_sum; },
       [](R& s) { s.kind = Reduction::argmax; }, [](R& s) { s.accumulate = true; },
       [](R& s) { s.batch = Batch::m; }, [](R& s) { s.m = 1; }, [](R& s) { s.n = 1; },
       [](R& s) { s.dtype = DType::f64; }, [](R& s) { s.layout = &tiles; }});
  using C = ClipSpec;
  add(C{}, {[](C& s) { s.limit = 0.25; }, [](C& s) { s.dtype = DType::f64; }});
  using X = ScaleSpec;
  add(X{.m = 8, .n = 5}, {[](X& s) { s.offset = false; }, [](X& s) { s.m = 1; }, [](X& s) { s.n = 1; },
                          [](X& s) { s.batch = Batch::none; }, [](X& s) { s.dtype = DType::f64; }});
  using U = UpdateSpec;
  add(U{.m = 8, .n = 5}, {[](U& s) { s.momentum = 0.9; }, [](U& s) { s.momentum = 0.9, s.nesterov = true; },
                          [](U& s) { s.weight_decay = 0.1; }, [](U& s) { s.m = 1; }, [](U& s) { s.n = 1; },
                          [](U& s) { s.dtype = DType::f64; }, [](U& s) { s.layout = &tiles; }});
  add(U{.kind = UpdateKind::adam, .m = 8, .n = 5, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8},
      {[](U& s) { s.kind = UpdateKind::adamw; }, [](U& s) { s.beta1 = 0; }, [](U& s) { s.beta2 = 0.99; },
       [](U& s) { s.epsilon = 1e-7; }, [](U& s) { s.weight_decay = 0.01; },
       [](U& s) { s.kind = UpdateKind::rmsprop, s.beta1 = 0; },
       [](U& s) { s.kind = UpdateKind::rmsprop, s.beta1 = 0, s.momentum = 0.9; },
       [](U& s) { s.kind = UpdateKind::adagrad, s.beta1 = s.beta2 = 0; },
       [](U& s) { s.kind = UpdateKind::adamax; }, [](U& s) { s.kind = UpdateKind::nadam; },
       [](U& s) { s.kind = UpdateKind::nadam, s.momentum_decay = 0.004; },
       [](U& s) { s.kind = UpdateKind::radam; }, [](U& s) { s.kind = UpdateKind::adadelta, s.beta1 = 0; },
       [](U& s) { s.l1 = 0.1; }, [](U& s) { s.l2 = 0.1; }, [](U& s) { s.clip_value = 0.1; }});
  using N = MaxNormSpec;
  add(N{.m = 8, .n = 5}, {[](N& s) { s.m = 1; }, [](N& s) { s.n = 1; }, [](N& s) { s.limit = 3; },
                          [](N& s) { s.dtype = DType::f64; }, [](N& s) { s.layout = &tiles; }});
  return specs;
}

TEST(SpecTest, LineHoldsEveryField) {
  const std::vector<Spec> specs = distinct_specs();
  for (size_t i = 0; i < specs.size(); i++) {
    EXPECT_NO_THROW(validate(specs[i]));
    const Spec copy = specs[i];
    EXPECT_EQ(to_string(copy), to_string(specs[i]));
    EXPECT_EQ(std::hash<Spec>()(copy), std::hash<Spec>()(specs[i]));
    for (size_t j = 0; j < i; j++) {
      EXPECT_FALSE(specs[i] == specs[j]);
      EXPECT_NE(to_string(specs[i]), to_string(specs[j]));
      EXPECT_NE(std::hash<Spec>()(specs[i]), std::hash<Spec>()(specs[j])) << to_string(specs[i]);
    }
  }
}

TEST(SpecTest, MinusZeroEqualsZero) {
  const Spec plus =
      UpdateSpec{.kind = UpdateKind::adam, .m = 1, .n = 1, .beta1 = 0.0, .beta2 = 0.5, .epsilon = 1};
  const Spec minus =
      UpdateSpec{.kind = UpdateKind::adam, .m = 1, .n = 1, .beta1 = -0.0, .beta2 = 0.5, .epsilon = 1};
  EXPECT_TRUE(plus == minus);
  EXPECT_EQ(to_string(plus), to_string(minus));
}

TEST(SpecTest, Lines) {
  const std::vector<std::pair<Spec, std::string>> lines = {
      {MatmulSpec{.m = 128, .n = 512, .k = 784, .bias = true}, "matmul/nn/f32/m128~/n512/k784/bias"},
      {MatmulSpec{
           .form = Form::nt, .m = 128, .n = 784, .k = 512, .batch = Batch::none, .lda = 520, .ldc = 800},
       "matmul/nt/f32/m128/n784/k512/lda520/ldc800"},
      {MatmulSpec{.form = Form::tn,
                  .m = 784,
                  .n = 512,
                  .k = 128,
                  .batch = Batch::k,
                  .accumulate = true,
                  .layout = &tiles},
       "matmul/tn/f32/m784/n512/k128~/accumulate/tiles16"},
      {MatmulSpec{.m = 2, .n = 3, .k = 4, .ldb = 8, .c = DType::f64}, "matmul/nn/f32*f32=f64/m2~/n3/k4/ldb8"},
      {ActivationSpec{.kind = Activation::relu, .m = 128, .n = 512}, "activation/relu/f32/m128~/n512"},
      {ActivationSpec{.kind = Activation::leaky_relu, .m = 1, .n = 2, .alpha = 0.01, .dtype = DType::f64},
       "activation/leaky_relu/f64/m1~/n2/alpha0.01"},
      {ActivationGradientSpec{.kind = Activation::elu, .m = 1, .n = 2, .alpha = 1, .batch = Batch::none},
       "activation/elu/gradient/f32/m1/n2/alpha1"},
      {LossSpec{.kind = LossKind::softmax_cross_entropy,
                .m = 128,
                .n = 10,
                .class_weights = true,
                .sample_weights = true},
       "loss/softmax_cross_entropy/f32/m128~/n10/gradient/class_weights/sample_weights"},
      {LossSpec{.kind = LossKind::huber, .m = 128, .n = 1, .delta = 1.5, .gradient = false},
       "loss/huber/f32/m128~/n1/delta1.5"},
      {DropoutSpec{.m = 128, .n = 512, .rate = 0.1f, .stream = 3}, "dropout/f32/m128~/n512/rate0.1/stream3"},
      {ReduceSpec{.kind = Reduction::column_sum, .m = 128, .n = 10}, "reduce/column_sum/f32/m128~/n10"},
      {ReduceSpec{.kind = Reduction::sum_squares,
                  .m = 784,
                  .n = 10,
                  .accumulate = true,
                  .batch = Batch::none,
                  .layout = &tiles},
       "reduce/sum_squares/f32/m784/n10/accumulate/tiles16"},
      {ClipSpec{}, "reduce/clip/f32/limit1"},
      {ScaleSpec{.m = 128, .n = 13}, "scale/f32/m128~/n13/offset"},
      {ScaleSpec{.m = 128, .n = 13, .offset = false}, "scale/f32/m128~/n13"},
      {UpdateSpec{.m = 784, .n = 512}, "update/sgd/f32/m784/n512"},
      {UpdateSpec{
           .m = 784, .n = 512, .momentum = 0.9, .nesterov = true, .weight_decay = 1e-4, .layout = &tiles},
       "update/sgd/f32/m784/n512/momentum0.9/nesterov/weight_decay1e-04/tiles16"},
      {UpdateSpec{.kind = UpdateKind::adam, .m = 1, .n = 2, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8},
       "update/adam/f32/m1/n2/beta1_0.9/beta2_0.999/epsilon1e-08"},
      {UpdateSpec{.kind = UpdateKind::rmsprop, .m = 1, .n = 2, .momentum = 0.5, .beta2 = 0.99, .epsilon = 1},
       "update/rmsprop/f32/m1/n2/momentum0.5/beta2_0.99/epsilon1"},
      {UpdateSpec{.kind = UpdateKind::adagrad, .m = 1, .n = 2, .epsilon = 0.001},
       "update/adagrad/f32/m1/n2/epsilon0.001"},
      {UpdateSpec{.kind = UpdateKind::nadam,
                  .m = 1,
                  .n = 2,
                  .beta1 = 0.9,
                  .beta2 = 0.999,
                  .epsilon = 1e-8,
                  .momentum_decay = 0.004},
       "update/nadam/f32/m1/n2/beta1_0.9/beta2_0.999/epsilon1e-08/momentum_decay0.004"},
      {UpdateSpec{.kind = UpdateKind::adadelta, .m = 1, .n = 2, .beta2 = 0.9, .epsilon = 1e-6},
       "update/adadelta/f32/m1/n2/beta2_0.9/epsilon1e-06"},
      {UpdateSpec{.m = 1, .n = 2, .l1 = 0.1, .l2 = 0.25, .clip_value = 5},
       "update/sgd/f32/m1/n2/l1_0.1/l2_0.25/clip_value5"},
      {MaxNormSpec{.m = 784, .n = 10, .limit = 3, .layout = &tiles},
       "update/max_norm/f32/m784/n10/limit3/tiles16"},
  };
  for (const auto& [spec, line] : lines) {
    EXPECT_EQ(to_string(spec), line);
    EXPECT_NO_THROW(validate(spec)) << line;
    EXPECT_EQ(line.substr(0, line.find('/')), family(spec));
  }
}

/// A decimal comma, and dots between thousands.
struct CommaNumbers : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

TEST(SpecTest, LinesIgnoreTheLocale) {
  const std::locale before = std::locale::global(std::locale(std::locale::classic(), new CommaNumbers));
  const std::string line = to_string(DropoutSpec{.m = 12345, .n = 1, .rate = 0.5f});
  std::locale::global(before);
  EXPECT_EQ(line, "dropout/f32/m12345~/n1/rate0.5/stream0");
}

template <class Kind>
void expect_distinct_names(int count) {
  for (int i = 0; i < count; i++) {
    EXPECT_NE(to_string(Kind(i)), "unknown") << i;
    for (int j = 0; j < i; j++) EXPECT_NE(to_string(Kind(i)), to_string(Kind(j)));
  }
  EXPECT_EQ(to_string(Kind(count)), "unknown");
}

TEST(SpecTest, KindsHaveNames) {
  expect_distinct_names<Activation>(activation_count);
  expect_distinct_names<LossKind>(loss_count);
  expect_distinct_names<Reduction>(reduction_count);
  expect_distinct_names<UpdateKind>(update_count);
}

TEST(SpecTest, ArgsAreTheSlots) {
  const auto check = []<class S>(const S& s) {
    static_assert(sizeof(typename S::Args) == sizeof(void*) * std::size(S::slots));
    ASSERT_EQ(slots(Spec(s)).size(), std::size(S::slots));
    for (size_t i = 0; i < std::size(S::slots); i++) EXPECT_STREQ(slots(Spec(s))[i].name, S::slots[i].name);
    EXPECT_EQ(family(Spec(s)), S::family);
  };
  for (const Spec& spec : distinct_specs()) std::visit(check, spec);
}

TEST(SpecTest, LayoutIsTheParameters) {
  EXPECT_EQ(layout(MatmulSpec{.layout = &tiles}), &tiles);
  EXPECT_EQ(layout(UpdateSpec{.layout = &tiles}), &tiles);
  EXPECT_EQ(layout(ReduceSpec{.layout = &tiles}), &tiles);
  EXPECT_EQ(layout(MatmulSpec{}), nullptr);
  EXPECT_EQ(layout(DropoutSpec{}), nullptr);
}

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

/// What validate says after the spec's own line.
std::string problem(const Spec& spec) {
  const std::string text = message<ShapeError>([&] { validate(spec); });
  const std::string start = to_string(spec) + ": ";
  EXPECT_TRUE(text.starts_with(start)) << text;
  return text.size() > start.size() ? text.substr(start.size()) : "";
}

TEST(ValidateTest, Matmul) {
  EXPECT_EQ(message<ShapeError>([] { validate(MatmulSpec{.m = 2, .n = 3, .k = -4}); }),
            "matmul/nn/f32/m2~/n3/k-4: size k is negative");
  EXPECT_EQ(problem(MatmulSpec{.m = -1}), "size m is negative");
  EXPECT_EQ(problem(MatmulSpec{.n = -1}), "size n is negative");
  EXPECT_EQ(problem(MatmulSpec{.form = Form(3)}), "unknown form");
  EXPECT_EQ(problem(MatmulSpec{.batch = Batch::k}), "the batch of nn and nt must be m or none");
  EXPECT_EQ(problem(MatmulSpec{.form = Form::nt, .batch = Batch(7)}),
            "the batch of nn and nt must be m or none");
  EXPECT_EQ(problem(MatmulSpec{.form = Form::tn}), "the batch of tn must be k or none");
  EXPECT_EQ(problem(MatmulSpec{.a = DType::i32}), "a and b must be f32, f64, bf16 or i8");
  EXPECT_EQ(problem(MatmulSpec{.b = DType::u8}), "a and b must be f32, f64, bf16 or i8");
  EXPECT_EQ(problem(MatmulSpec{.b = DType(99)}), "a and b must be f32, f64, bf16 or i8");
  EXPECT_EQ(problem(MatmulSpec{.a = DType::i8, .c = DType::i32}),
            "c must be f32, f64 or bf16, or i32 where a and b are i8");
  EXPECT_EQ(problem(MatmulSpec{.bias = true, .accumulate = true}),
            "bias and accumulate exclude each other: the old c takes the bias's place");
  EXPECT_EQ(problem(MatmulSpec{.m = 2, .n = 3, .k = 4, .lda = 3}), "lda 3 is less than a row of 4 elements");
  EXPECT_EQ(problem(MatmulSpec{.m = 2, .n = 3, .k = 4, .ldb = 2}), "ldb 2 is less than a row of 3 elements");
  EXPECT_EQ(problem(MatmulSpec{.m = 2, .n = 3, .k = 4, .ldc = 1}), "ldc 1 is less than a row of 3 elements");
  EXPECT_EQ(problem(MatmulSpec{.form = Form::nt, .m = 2, .n = 3, .k = 4, .ldb = 3}),
            "ldb 3 is less than a row of 4 elements");
  EXPECT_EQ(problem(MatmulSpec{.form = Form::tn, .m = 2, .n = 3, .k = 4, .batch = Batch::k, .lda = 1}),
            "lda 1 is less than a row of 2 elements");
  EXPECT_EQ(problem(MatmulSpec{.lda = -1}), "lda -1 is less than a row of 0 elements");
  EXPECT_EQ(problem(MatmulSpec{.ldb = 8, .layout = &tiles}),
            "the layout places the parameter's rows: its stride must be 0");
  EXPECT_EQ(problem(MatmulSpec{.form = Form::tn, .batch = Batch::k, .ldc = 8, .layout = &tiles}),
            "the layout places the parameter's rows: its stride must be 0");
  EXPECT_EQ(problem(MatmulSpec{.m = huge, .n = 1, .k = huge}), "a has more than 2^63 - 1 bytes");
  EXPECT_EQ(problem(MatmulSpec{.m = 1, .n = huge, .k = huge}), "b has more than 2^63 - 1 bytes");
  EXPECT_EQ(problem(MatmulSpec{.m = huge, .n = huge, .k = 0}), "c has more than 2^63 - 1 bytes");
  EXPECT_EQ(problem(MatmulSpec{.m = huge, .n = 1, .k = 1, .lda = huge}), "a has more than 2^63 - 1 bytes");
  EXPECT_NO_THROW(validate(MatmulSpec{}));
  EXPECT_NO_THROW(validate(MatmulSpec{.m = huge, .n = 0, .k = 8}));
}

TEST(ValidateTest, Activation) {
  EXPECT_EQ(message<ShapeError>([] { validate(ActivationSpec{.m = -2, .n = 3}); }),
            "activation/relu/f32/m-2~/n3: size m is negative");
  EXPECT_EQ(problem(ActivationSpec{.n = -1}), "size n is negative");
  EXPECT_EQ(problem(ActivationSpec{.kind = Activation(12)}), "unknown activation");
  EXPECT_EQ(problem(ActivationSpec{.batch = Batch::k}), "the batch must be m or none");
  EXPECT_EQ(problem(ActivationSpec{.dtype = DType::i32}), "element type i32, needs f32, f64 or bf16");
  EXPECT_EQ(problem(ActivationSpec{.alpha = 0.5}), "alpha 0.5 has no meaning here, must be 0");
  for (const double alpha : {-0.1, 1.1, nan})
    EXPECT_EQ(problem(ActivationSpec{.kind = Activation::leaky_relu, .alpha = alpha}),
              "alpha must lie in [0, 1]");
  for (const double alpha : {-1.0, 0.0, nan, infinity})
    EXPECT_EQ(problem(ActivationGradientSpec{.kind = Activation::elu, .alpha = alpha}),
              "alpha must be above 0");
  EXPECT_EQ(problem(ActivationGradientSpec{.m = huge, .n = huge}), "dy has more than 2^63 - 1 bytes");
  EXPECT_EQ(problem(ActivationGradientSpec{.dtype = DType::i8}), "element type i8, needs f32, f64 or bf16");
  for (int kind = 0; kind < activation_count; kind++) {
    const double alpha = has_alpha(Activation(kind)) ? 1 : 0;
    EXPECT_NO_THROW(validate(ActivationSpec{.kind = Activation(kind), .m = 2, .n = 3, .alpha = alpha}));
    EXPECT_NO_THROW(
        validate(ActivationGradientSpec{.kind = Activation(kind), .m = 2, .n = 3, .alpha = alpha}));
  }
}

TEST(ValidateTest, Loss) {
  EXPECT_EQ(message<ShapeError>([] { validate(LossSpec{.m = 2, .n = -3}); }),
            "loss/mse/f32/m2~/n-3/gradient: size n is negative");
  EXPECT_EQ(problem(LossSpec{.kind = LossKind(6)}), "unknown loss");
  EXPECT_EQ(problem(LossSpec{.batch = Batch::k}), "the batch must be m or none");
  EXPECT_EQ(problem(LossSpec{.dtype = DType::i64}), "element type i64, needs f32, f64 or bf16");
  EXPECT_EQ(problem(LossSpec{.delta = 2}), "delta has no meaning here, must be 1");
  for (const double delta : {0.0, -1.0, nan, infinity})
    EXPECT_EQ(problem(LossSpec{.kind = LossKind::huber, .delta = delta}), "delta must be above 0");
  for (const LossKind kind : {LossKind::mse, LossKind::mae, LossKind::huber, LossKind::binary_cross_entropy})
    EXPECT_EQ(problem(LossSpec{.kind = kind, .class_weights = true}),
              "class weights need a softmax cross entropy");
  EXPECT_EQ(problem(LossSpec{.m = huge, .n = huge}), "prediction has more than 2^63 - 1 bytes");
}

TEST(ValidateTest, Dropout) {
  for (const float rate : {-0.1f, 1.0f, float(nan)})
    EXPECT_EQ(problem(DropoutSpec{.rate = rate}), "rate must lie in [0, 1)");
  EXPECT_EQ(problem(DropoutSpec{.stream = 1 << 24}), "stream must be below 2^24");
  EXPECT_EQ(problem(DropoutSpec{.m = -1}), "size m is negative");
  EXPECT_EQ(problem(DropoutSpec{.n = -1}), "size n is negative");
  EXPECT_EQ(problem(DropoutSpec{.batch = Batch::k}), "the batch must be m or none");
  EXPECT_EQ(problem(DropoutSpec{.dtype = DType::u8}), "element type u8, needs f32, f64 or bf16");
  EXPECT_EQ(problem(DropoutSpec{.m = huge, .n = huge}), "x has more than 2^63 - 1 bytes");
}

TEST(ValidateTest, Reduce) {
  EXPECT_EQ(problem(ReduceSpec{.kind = Reduction(4)}), "unknown reduction");
  EXPECT_EQ(problem(ReduceSpec{.m = -1}), "size m is negative");
  EXPECT_EQ(problem(ReduceSpec{.n = -1}), "size n is negative");
  EXPECT_EQ(problem(ReduceSpec{.batch = Batch::k}), "the batch must be m or none");
  EXPECT_EQ(problem(ReduceSpec{.dtype = DType::i32}), "element type i32, needs f32, f64 or bf16");
  EXPECT_EQ(problem(ReduceSpec{.kind = Reduction::argmax, .n = 1, .accumulate = true}),
            "argmax cannot accumulate");
  EXPECT_EQ(problem(ReduceSpec{.kind = Reduction::argmax}), "the largest of no columns does not exist");
  EXPECT_EQ(problem(ReduceSpec{.kind = Reduction::argmax, .n = huge}),
            "column indices above 2^31 - 1 do not fit i32");
  EXPECT_EQ(problem(ReduceSpec{.batch = Batch::none, .layout = &tiles}), "only sum_squares reads a layout");
  EXPECT_EQ(problem(ReduceSpec{.kind = Reduction::sum_squares, .layout = &tiles}),
            "what has a layout is a parameter and has no batch");
  EXPECT_EQ(problem(ReduceSpec{.m = huge, .n = huge}), "x has more than 2^63 - 1 bytes");
  for (const double limit : {0.0, -1.0, nan, infinity})
    EXPECT_EQ(problem(ClipSpec{.limit = limit}), "limit must be above 0");
  EXPECT_EQ(problem(ClipSpec{.dtype = DType::i32}), "element type i32, needs f32, f64 or bf16");
}

TEST(ValidateTest, Scale) {
  EXPECT_EQ(problem(ScaleSpec{.m = -1}), "size m is negative");
  EXPECT_EQ(problem(ScaleSpec{.n = -1}), "size n is negative");
  EXPECT_EQ(problem(ScaleSpec{.batch = Batch::k}), "the batch must be m or none");
  EXPECT_EQ(problem(ScaleSpec{.dtype = DType::i64}), "element type i64, needs f32, f64 or bf16");
  EXPECT_EQ(problem(ScaleSpec{.m = huge, .n = huge}), "x has more than 2^63 - 1 bytes");
}

TEST(ValidateTest, Update) {
  const UpdateSpec sgd{.m = 2, .n = 3};
  const UpdateSpec adam{
      .kind = UpdateKind::adam, .m = 2, .n = 3, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
  const UpdateSpec rmsprop{.kind = UpdateKind::rmsprop, .m = 2, .n = 3, .beta2 = 0.99, .epsilon = 1e-8};
  const UpdateSpec adagrad{.kind = UpdateKind::adagrad, .m = 2, .n = 3, .epsilon = 1e-10};
  for (const UpdateSpec& spec : {sgd, adam, rmsprop, adagrad}) EXPECT_NO_THROW(validate(spec));
  const auto with = [](UpdateSpec spec, auto UpdateSpec::*field, auto value) {
    spec.*field = value;
    return problem(spec);
  };
  using U = UpdateSpec;
  EXPECT_EQ(with(sgd, &U::m, -1), "size m is negative");
  EXPECT_EQ(with(sgd, &U::n, -1), "size n is negative");
  EXPECT_EQ(with(sgd, &U::kind, UpdateKind(9)), "unknown optimizer");
  EXPECT_EQ(with(sgd, &U::dtype, DType::i32), "element type i32, needs f32, f64 or bf16");
  for (const double value : {-0.1, 1.0, nan}) {
    EXPECT_EQ(with(sgd, &U::momentum, value), "momentum must lie in [0, 1)");
    EXPECT_EQ(with(rmsprop, &U::momentum, value), "momentum must lie in [0, 1)");
    EXPECT_EQ(with(adam, &U::beta1, value), "beta1 must lie in [0, 1)");
    EXPECT_EQ(with(adam, &U::beta2, value), "beta2 must lie in [0, 1)");
    EXPECT_EQ(with(rmsprop, &U::beta2, value), "beta2 must lie in [0, 1)");
  }
  EXPECT_EQ(with(adam, &U::momentum, 0.9), "momentum has no meaning here, must be 0");
  EXPECT_EQ(with(adagrad, &U::momentum, 0.9), "momentum has no meaning here, must be 0");
  EXPECT_EQ(with(sgd, &U::beta1, 0.9), "beta1 has no meaning here, must be 0");
  EXPECT_EQ(with(rmsprop, &U::beta1, 0.9), "beta1 has no meaning here, must be 0");
  EXPECT_EQ(with(sgd, &U::beta2, 0.9), "beta2 has no meaning here, must be 0");
  EXPECT_EQ(with(adagrad, &U::beta2, 0.9), "beta2 has no meaning here, must be 0");
  EXPECT_EQ(with(sgd, &U::epsilon, 1e-8), "epsilon has no meaning here, must be 0");
  for (const double value : {0.0, -1.0, nan, infinity}) {
    EXPECT_EQ(with(adam, &U::epsilon, value), "epsilon must be above 0");
    EXPECT_EQ(with(adagrad, &U::epsilon, value), "epsilon must be above 0");
  }
  EXPECT_EQ(with(sgd, &U::nesterov, true), "nesterov needs sgd with momentum");
  EXPECT_EQ(with(adam, &U::nesterov, true), "nesterov needs sgd with momentum");
  for (const double value : {-1e-4, nan, infinity})
    EXPECT_EQ(with(sgd, &U::weight_decay, value), "weight_decay must not be negative");
  const UpdateSpec nadam{
      .kind = UpdateKind::nadam, .m = 2, .n = 3, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
  const UpdateSpec adadelta{.kind = UpdateKind::adadelta, .m = 2, .n = 3, .beta2 = 0.9, .epsilon = 1e-6};
  for (const UpdateSpec& spec : {nadam, adadelta}) EXPECT_NO_THROW(validate(spec));
  for (const double value : {-1e-4, nan, infinity}) {
    EXPECT_EQ(with(sgd, &U::l1, value), "l1 must not be negative");
    EXPECT_EQ(with(sgd, &U::l2, value), "l2 must not be negative");
    EXPECT_EQ(with(sgd, &U::clip_value, value), "clip_value must not be negative");
    EXPECT_EQ(with(nadam, &U::momentum_decay, value), "momentum_decay must not be negative");
    EXPECT_EQ(problem(MaxNormSpec{.limit = value}), "limit must be above 0");
  }
  EXPECT_EQ(with(adam, &U::momentum_decay, 0.004), "momentum_decay has no meaning here, must be 0");
  EXPECT_EQ(with(adadelta, &U::beta1, 0.9), "beta1 has no meaning here, must be 0");
  EXPECT_EQ(problem(MaxNormSpec{.m = -1}), "size m is negative");
  EXPECT_EQ(problem(MaxNormSpec{.dtype = DType::i32}), "element type i32, needs f32, f64 or bf16");
  EXPECT_EQ(with(UpdateSpec{.m = huge, .n = 2}, &U::n, huge), "parameter has more than 2^63 - 1 bytes");
}

}  // namespace
}  // namespace plexus

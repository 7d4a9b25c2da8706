#include "plexus/core/spec/spec.h"

#include <gtest/gtest.h>

#include <locale>
#include <type_traits>
#include <vector>

#include "core/named_layout.h"

namespace plexus {
namespace {

using namespace plexus::testing;

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

}  // namespace
}  // namespace plexus

// Specs that no kernel could run, and what is said of them.
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "core/message.h"
#include "core/named_layout.h"
#include "plexus/core/error.h"
#include "plexus/core/spec/spec.h"

namespace plexus {
namespace {

using namespace plexus::testing;

constexpr double nan = std::numeric_limits<double>::quiet_NaN(),
                 infinity = std::numeric_limits<double>::infinity();
constexpr int64_t huge = int64_t(1) << 32;

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

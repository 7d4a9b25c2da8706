// The layout of the C ABI, pinned: a change here breaks every plugin there is. And where its numbers are those of the core.
#pragma once
#include <iterator>
#include <type_traits>

#include "plexus/backends/abi/plexus_backend.h"
#include "plexus/core/deviations.h"

namespace plexus::abi {

static_assert(sizeof(void*) == 8, "the ABI is pinned for 64-bit machines");

#define PLEXUS_PIN_SIZE(S, bytes) static_assert(sizeof(S) == bytes && std::is_trivial_v<S> && std::is_standard_layout_v<S>)
#define PLEXUS_PIN(S, member, place) static_assert(offsetof(S, member) == place)

PLEXUS_PIN_SIZE(plexus_tensor, 152);
PLEXUS_PIN(plexus_tensor, buffer, 4);
PLEXUS_PIN(plexus_tensor, last_use, 8);
PLEXUS_PIN(plexus_tensor, dtype, 12);
PLEXUS_PIN(plexus_tensor, memory, 14);
PLEXUS_PIN(plexus_tensor, flags, 16);
PLEXUS_PIN(plexus_tensor, size, 24);
PLEXUS_PIN(plexus_tensor, stride, 88);

PLEXUS_PIN_SIZE(plexus_matmul, 64);
PLEXUS_PIN(plexus_matmul, form, 4);
PLEXUS_PIN(plexus_matmul, m, 8);
PLEXUS_PIN(plexus_matmul, lda, 32);
PLEXUS_PIN(plexus_matmul, a_type, 56);
PLEXUS_PIN_SIZE(plexus_activation, 32);
PLEXUS_PIN(plexus_activation, alpha, 24);
PLEXUS_PIN_SIZE(plexus_activation_gradient, 32);
PLEXUS_PIN(plexus_activation_gradient, alpha, 24);
PLEXUS_PIN_SIZE(plexus_loss, 40);
PLEXUS_PIN(plexus_loss, delta, 24);
PLEXUS_PIN(plexus_loss, class_weights, 32);
PLEXUS_PIN_SIZE(plexus_dropout, 32);
PLEXUS_PIN(plexus_dropout, m, 8);
PLEXUS_PIN(plexus_dropout, rate, 24);
PLEXUS_PIN(plexus_dropout, stream, 28);
PLEXUS_PIN_SIZE(plexus_reduce, 24);
PLEXUS_PIN(plexus_reduce, accumulate, 7);
PLEXUS_PIN_SIZE(plexus_clip, 16);
PLEXUS_PIN(plexus_clip, limit, 8);
PLEXUS_PIN_SIZE(plexus_scale, 24);
PLEXUS_PIN(plexus_scale, offset, 6);
PLEXUS_PIN_SIZE(plexus_update, 96);
PLEXUS_PIN(plexus_update, nesterov, 6);
PLEXUS_PIN(plexus_update, momentum, 24);
PLEXUS_PIN(plexus_update, epsilon, 56);
PLEXUS_PIN(plexus_update, momentum_decay, 64);
PLEXUS_PIN(plexus_update, clip_value, 88);
PLEXUS_PIN_SIZE(plexus_max_norm, 32);
PLEXUS_PIN(plexus_max_norm, m, 8);
PLEXUS_PIN(plexus_max_norm, limit, 24);

PLEXUS_PIN_SIZE(plexus_operation, 40);
PLEXUS_PIN(plexus_operation, family, 4);
PLEXUS_PIN(plexus_operation, spec, 8);
PLEXUS_PIN(plexus_operation, tensors, 16);
PLEXUS_PIN(plexus_operation, row_counts, 32);
PLEXUS_PIN_SIZE(plexus_call, 24);
PLEXUS_PIN(plexus_call, rows, 8);
PLEXUS_PIN(plexus_call, workspace, 16);
PLEXUS_PIN_SIZE(plexus_deviations, 24);
PLEXUS_PIN(plexus_deviations, elementwise_relative, 8);

PLEXUS_PIN_SIZE(plexus_host, 88);
PLEXUS_PIN(plexus_host, self, 16);
PLEXUS_PIN(plexus_host, allocate, 24);
PLEXUS_PIN(plexus_host, parallel_for, 48);
PLEXUS_PIN(plexus_host, error, 64);
PLEXUS_PIN(plexus_host, uniform, 80);
PLEXUS_PIN_SIZE(plexus_backend, 152);
PLEXUS_PIN(plexus_backend, flags, 12);
PLEXUS_PIN(plexus_backend, name, 16);
PLEXUS_PIN(plexus_backend, create, 24);
PLEXUS_PIN(plexus_backend, run, 56);
PLEXUS_PIN(plexus_backend, release, 64);
PLEXUS_PIN(plexus_backend, workspace, 72);
PLEXUS_PIN(plexus_backend, score, 88);
PLEXUS_PIN(plexus_backend, deviations, 96);
PLEXUS_PIN(plexus_backend, reserved, 120);

#undef PLEXUS_PIN
#undef PLEXUS_PIN_SIZE

// Enumerations: the numbers of the core and of the ABI are the same, so that marshalling is a cast.
#define PLEXUS_SAME(cpp, c) static_assert(int64_t(cpp) == int64_t(c))
PLEXUS_SAME(DType::f32, PLEXUS_F32);
PLEXUS_SAME(DType::f64, PLEXUS_F64);
PLEXUS_SAME(DType::i32, PLEXUS_I32);
PLEXUS_SAME(DType::i64, PLEXUS_I64);
PLEXUS_SAME(DType::u8, PLEXUS_U8);
PLEXUS_SAME(DType::bf16, PLEXUS_BF16);
PLEXUS_SAME(DType::i8, PLEXUS_I8);
PLEXUS_SAME(Access::in, PLEXUS_IN);
PLEXUS_SAME(Access::out, PLEXUS_OUT);
PLEXUS_SAME(Access::inout, PLEXUS_INOUT);
PLEXUS_SAME(Batch::none, PLEXUS_BATCH_NONE);
PLEXUS_SAME(Batch::m, PLEXUS_BATCH_M);
PLEXUS_SAME(Batch::k, PLEXUS_BATCH_K);
PLEXUS_SAME(Form::nn, PLEXUS_NN);
PLEXUS_SAME(Form::nt, PLEXUS_NT);
PLEXUS_SAME(Form::tn, PLEXUS_TN);
PLEXUS_SAME(Activation::relu, PLEXUS_RELU);
PLEXUS_SAME(Activation::leaky_relu, PLEXUS_LEAKY_RELU);
PLEXUS_SAME(Activation::elu, PLEXUS_ELU);
PLEXUS_SAME(Activation::selu, PLEXUS_SELU);
PLEXUS_SAME(Activation::gelu, PLEXUS_GELU);
PLEXUS_SAME(Activation::gelu_tanh, PLEXUS_GELU_TANH);
PLEXUS_SAME(Activation::silu, PLEXUS_SILU);
PLEXUS_SAME(Activation::sigmoid, PLEXUS_SIGMOID);
PLEXUS_SAME(Activation::tanh, PLEXUS_TANH);
PLEXUS_SAME(Activation::softplus, PLEXUS_SOFTPLUS);
PLEXUS_SAME(Activation::softmax, PLEXUS_SOFTMAX);
PLEXUS_SAME(Activation::log_softmax, PLEXUS_LOG_SOFTMAX);
PLEXUS_SAME(activation_count, PLEXUS_LOG_SOFTMAX + 1);
PLEXUS_SAME(LossKind::mse, PLEXUS_MSE);
PLEXUS_SAME(LossKind::mae, PLEXUS_MAE);
PLEXUS_SAME(LossKind::huber, PLEXUS_HUBER);
PLEXUS_SAME(LossKind::binary_cross_entropy, PLEXUS_BINARY_CROSS_ENTROPY);
PLEXUS_SAME(LossKind::softmax_cross_entropy, PLEXUS_SOFTMAX_CROSS_ENTROPY);
PLEXUS_SAME(LossKind::softmax_cross_entropy_one_hot, PLEXUS_SOFTMAX_CROSS_ENTROPY_ONE_HOT);
PLEXUS_SAME(loss_count, PLEXUS_SOFTMAX_CROSS_ENTROPY_ONE_HOT + 1);
PLEXUS_SAME(Reduction::column_sum, PLEXUS_COLUMN_SUM);
PLEXUS_SAME(Reduction::row_sum, PLEXUS_ROW_SUM);
PLEXUS_SAME(Reduction::sum_squares, PLEXUS_SUM_SQUARES);
PLEXUS_SAME(Reduction::argmax, PLEXUS_ARGMAX);
PLEXUS_SAME(reduction_count, PLEXUS_ARGMAX + 1);
PLEXUS_SAME(UpdateKind::sgd, PLEXUS_SGD);
PLEXUS_SAME(UpdateKind::adam, PLEXUS_ADAM);
PLEXUS_SAME(UpdateKind::adamw, PLEXUS_ADAMW);
PLEXUS_SAME(UpdateKind::rmsprop, PLEXUS_RMSPROP);
PLEXUS_SAME(UpdateKind::adagrad, PLEXUS_ADAGRAD);
PLEXUS_SAME(UpdateKind::adamax, PLEXUS_ADAMAX);
PLEXUS_SAME(UpdateKind::nadam, PLEXUS_NADAM);
PLEXUS_SAME(UpdateKind::radam, PLEXUS_RADAM);
PLEXUS_SAME(UpdateKind::adadelta, PLEXUS_ADADELTA);
PLEXUS_SAME(update_count, PLEXUS_ADADELTA + 1);

PLEXUS_SAME(std::size(MatmulSpec::slots), PLEXUS_MATMUL_SLOTS);
PLEXUS_SAME(std::size(ActivationSpec::slots), PLEXUS_ACTIVATION_SLOTS);
PLEXUS_SAME(std::size(ActivationGradientSpec::slots), PLEXUS_GRADIENT_SLOTS);
PLEXUS_SAME(std::size(LossSpec::slots), PLEXUS_LOSS_SLOTS);
PLEXUS_SAME(std::size(DropoutSpec::slots), PLEXUS_DROPOUT_SLOTS);
PLEXUS_SAME(std::size(ReduceSpec::slots), PLEXUS_REDUCE_SLOTS);
PLEXUS_SAME(std::size(ClipSpec::slots), PLEXUS_CLIP_SLOTS);
PLEXUS_SAME(std::size(ScaleSpec::slots), PLEXUS_SCALE_SLOTS);
PLEXUS_SAME(std::size(UpdateSpec::slots), PLEXUS_UPDATE_SLOTS);
PLEXUS_SAME(std::size(MaxNormSpec::slots), PLEXUS_MAX_NORM_SLOTS);

PLEXUS_SAME(Semantics::activation_nan, PLEXUS_DEVIATES_ACTIVATION_NAN);
PLEXUS_SAME(Semantics::gradient_nan, PLEXUS_DEVIATES_GRADIENT_NAN);
PLEXUS_SAME(Semantics::gradient_at_zero, PLEXUS_DEVIATES_GRADIENT_AT_ZERO);
PLEXUS_SAME(Semantics::non_finite, PLEXUS_DEVIATES_NON_FINITE);
PLEXUS_SAME(Semantics::denormals, PLEXUS_DEVIATES_DENORMALS);
PLEXUS_SAME(Semantics::argmax_ties, PLEXUS_DEVIATES_ARGMAX_TIES);
PLEXUS_SAME(Semantics::argmax_nan, PLEXUS_DEVIATES_ARGMAX_NAN);
PLEXUS_SAME(Semantics::softmax_non_finite, PLEXUS_DEVIATES_SOFTMAX_NON_FINITE);
PLEXUS_SAME(Semantics::loss_non_finite, PLEXUS_DEVIATES_LOSS_NON_FINITE);
PLEXUS_SAME(Semantics::accumulate_chain, PLEXUS_DEVIATES_ACCUMULATE_CHAIN);
PLEXUS_SAME(Semantics::thread_bits, PLEXUS_DEVIATES_THREAD_BITS);
PLEXUS_SAME(Semantics::fused_bits, PLEXUS_DEVIATES_FUSED_BITS);
PLEXUS_SAME(Semantics::activation_infinity, PLEXUS_DEVIATES_ACTIVATION_INFINITY);
#undef PLEXUS_SAME

}  // namespace plexus::abi

// Losses with their gradients: ten and a thousand columns, for all sizes of a batch.
#include "plexus/backends/conformance/shapes.h"
#include "plexus/bench/suite.h"
#include "plexus/core/random.h"

namespace plexus::bench {
namespace {

Program program_of(const LossSpec& spec) {
  Program program;
  const auto rows = [&](const char* name, Role role, int64_t columns, DType dtype = DType::f32) {
    return program.add_buffer(
        {.name = name, .role = role, .shape = {spec.m, columns}, .dtype = dtype, .batch = true});
  };
  const bool labels = spec.kind == LossKind::softmax_cross_entropy;
  program.add("", spec,
              {rows("prediction", Role::input, spec.n),
               labels ? rows("target", Role::input, 1, DType::i32) : rows("target", Role::input, spec.n),
               no_buffer, no_buffer, no_buffer, rows("gradient", Role::output, spec.n),
               program.add_buffer({.name = "value", .role = Role::scalar, .shape = {1}})});
  return program;
}

/// Targets as they occur: a class, a row with a single 1, a probability; else any number.
void fill_target(const LossSpec& spec, Tensor& target) {
  const RandomStream random(1, Purpose::user, 1000);
  if (spec.kind == LossKind::softmax_cross_entropy) {
    const auto labels = target.values<int32_t>();
    for (size_t i = 0; i < labels.size(); i++) labels[i] = int32_t(random.below(uint64_t(spec.n), i));
  } else if (spec.kind == LossKind::softmax_cross_entropy_one_hot) {
    target = Tensor(target.dtype(), target.shape());
    for (int64_t row = 0; row < spec.m; row++)
      target.values<float>()[size_t(row * spec.n) + random.below(uint64_t(spec.n), uint64_t(row))] = 1;
  } else if (spec.kind == LossKind::binary_cross_entropy) {
    for (float& value : target.values<float>()) value = value / 2 + 0.5f;
  }
}

}  // namespace

void add_loss(Suite& suite) {
  for (int kind = 0; kind < loss_count; kind++) {
    for (const int64_t columns : {10, 1000}) {
      for (const int64_t batch : conformance::batch_sizes()) {
        const LossSpec spec{.kind = LossKind(kind), .m = batch, .n = columns};
        if (suite.quick() && (batch != 128 || columns != 10)) continue;
        suite.add(program_of(spec), [spec](const std::string& name, Tensor& values) {
          if (name == "target") fill_target(spec, values);
        });
      }
    }
  }
}

}  // namespace plexus::bench

// Activations and their gradients, over rows of a hundred columns, from a vector that fits a register to one that fits no cache.
#include "plexus/backends/conformance/shapes.h"
#include "plexus/bench/suite.h"

namespace plexus::bench {
namespace {

constexpr int64_t columns = 100;  // of the smallest count in the table; softmax needs some

double alpha(Activation kind) {
  return kind == Activation::leaky_relu ? 0.01 : kind == Activation::elu ? 1.0 : 0.0;
}

Program forward(Activation kind, int64_t rows) {
  Program program;
  const BufferId x = program.add_buffer({.name = "x", .role = Role::input, .shape = {rows, columns}, .batch = true});
  const BufferId y = program.add_buffer({.name = "y", .role = Role::output, .shape = {rows, columns}, .batch = true});
  program.add("", ActivationSpec{.kind = kind, .m = rows, .n = columns, .alpha = alpha(kind)}, {x, y});
  return program;
}

Program backward(Activation kind, int64_t rows) {
  Program program;
  const auto buffer = [&](const char* name, Role role) {
    return program.add_buffer({.name = name, .role = role, .shape = {rows, columns}, .batch = true});
  };
  program.add("", ActivationGradientSpec{.kind = kind, .m = rows, .n = columns, .alpha = alpha(kind)},
              {buffer("dy", Role::input), buffer("saved", Role::input), buffer("dx", Role::output)});
  return program;
}

}  // namespace

void add_activation(Suite& suite) {
  for (int i = 0; i < activation_count; i++) {
    const auto kind = Activation(i);
    if (suite.quick() && kind != Activation::relu && kind != Activation::gelu && kind != Activation::softmax)
      continue;
    // What the forward pass saves: its argument, or its result, as the reference computes it.
    const Fill fill = [&suite, kind](const std::string& name, Tensor& values) {
      if (name != "saved" || !gradient_from_result(kind)) return;
      const ActivationSpec spec{.kind = kind, .m = values.shape().rows(), .n = columns, .alpha = alpha(kind)};
      const Tensor x = values;
      prepare(suite.context().reference(), spec).run({.x = x.bytes(), .y = values.bytes()});
    };
    for (const int64_t count : conformance::element_counts()) {
      if (suite.quick() && count != 10'000 && count != 1'000'000) continue;
      suite.add(forward(kind, count / columns));
      suite.add(backward(kind, count / columns), fill);
    }
  }
}

}  // namespace plexus::bench

// Products: squares, the layers of networks and the awkward shapes, in the three forms of a training step. Layers also as they
// are trained: with bias and relu forward, behind the gradient of a relu backward, in the layout that the backend wishes for.
#include <algorithm>

#include "plexus/backends/conformance/shapes.h"
#include "plexus/bench/suite.h"

namespace plexus::bench {
namespace {

using conformance::MatmulShape;

enum class Kind { plain, fused };

/// The product of a layer's forward shape in this form: y[m,n] = x[m,k] w[k,n]; dx[m,k] = dy[m,n] w^T; dw[k,n] = x^T dy.
MatmulSpec spec_of(const MatmulShape& forward, Form form, Kind kind) {
  const auto [m, n, k] = forward;
  switch (form) {
    case Form::nn:
      return {.form = form, .m = m, .n = n, .k = k, .bias = kind == Kind::fused};
    case Form::nt:
      return {.form = form, .m = m, .n = k, .k = n};
    case Form::tn:
      return {.form = form, .m = k, .n = n, .k = m, .batch = Batch::k};
  }
  return {};
}

/// The product alone, or with the relu of the layer: its own forward, that of the layer before backward. `layout` of the weights.
Program program_of(const MatmulShape& forward, Form form, Kind kind, const Layout* layout) {
  const auto [m, n, k] = forward;
  const MatmulSpec spec = spec_of(forward, form, kind);
  const bool activation = kind == Kind::fused && form != Form::tn;
  Program program;
  const auto batch = [&](const char* name, Role role, int64_t columns) {
    return program.add_buffer({.name = name, .role = role, .shape = {m, columns}, .batch = true});
  };
  const BufferId w = program.add_buffer({.name = "w", .role = Role::parameter, .shape = {k, n}});
  if (form == Form::nn) {
    const BufferId x = batch("x", Role::input, k);
    const BufferId y = batch("y", activation ? Role::temporary : Role::output, n);
    const BufferId bias = spec.bias ? program.add_buffer({.name = "b", .role = Role::parameter, .shape = {1, n}})
                                    : no_buffer;
    program.add("forward", spec, {x, w, bias, y});
    if (activation)
      program.add("relu", ActivationSpec{.kind = Activation::relu, .m = m, .n = n},
                  {y, batch("relu", Role::output, n)});
  } else if (form == Form::nt) {
    const BufferId dy = batch("dy", Role::input, n);
    const BufferId dx = batch("dx", activation ? Role::temporary : Role::output, k);
    program.add("dx", spec, {dy, w, no_buffer, dx});
    if (activation)
      program.add("relu", ActivationGradientSpec{.kind = Activation::relu, .m = m, .n = k},
                  {dx, batch("saved", Role::input, k), batch("drelu", Role::output, k)});
  } else {
    const BufferId dw = program.add_buffer({.name = "dw", .role = Role::state, .shape = {k, n}, .like = w});
    program.add("dw", spec, {batch("x", Role::input, k), batch("dy", Role::input, n), no_buffer, dw});
  }
  if (layout) program.set_layout(w, layout);
  return program;
}

void fill(const std::string& name, Tensor& values) {
  if (name != "saved") return;  // the result of a relu
  for (float& value : values.values<float>()) value = std::max(value, 0.0f);
}

void add_plain(Suite& suite, const MatmulShape& shape) {
  for (const Form form : {Form::nn, Form::nt, Form::tn})
    suite.add(program_of(shape, form, Kind::plain, nullptr));
}

void add_layer(Suite& suite, const MatmulShape& shape) {
  add_plain(suite, shape);
  for (const Form form : {Form::nn, Form::nt}) suite.add(program_of(shape, form, Kind::fused, nullptr), fill);
  const auto wishes = suite.backend().layouts(program_of(shape, Form::nn, Kind::fused, nullptr), 0);
  if (wishes.empty()) return;
  for (const Form form : {Form::nn, Form::nt, Form::tn})
    suite.add(program_of(shape, form, Kind::fused, wishes.front()), fill);
}

}  // namespace

void add_matmul(Suite& suite) {
  std::vector<MatmulShape> seen;
  const auto first_time = [&](const MatmulShape& shape) {
    if (std::find(seen.begin(), seen.end(), shape) != seen.end()) return false;
    seen.push_back(shape);
    return true;
  };
  for (const conformance::Network& network : conformance::networks()) {
    if (suite.quick() && network.name != "784-128-10") continue;
    for (const int64_t batch : conformance::batch_sizes()) {
      if (suite.quick() && batch != 1 && batch != 32) continue;
      for (const MatmulShape& shape : conformance::layer_shapes(network, batch))
        if (first_time(shape)) add_layer(suite, shape);
    }
  }
  for (const int64_t n : conformance::squares())
    if ((!suite.quick() || n == 256) && first_time({n, n, n})) add_plain(suite, {n, n, n});
  for (const MatmulShape& shape : conformance::special_shapes())
    if (!suite.quick() && first_time(shape)) add_plain(suite, shape);
}

}  // namespace plexus::bench

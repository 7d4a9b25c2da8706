#include "plexus/backends/conformance/edges/literals.h"

namespace plexus::conformance {
namespace {

struct UpdateCase {
  UpdateSpec spec;
  Matrix parameter, gradient, first = {}, second = {};
  double rate = 0.25;
  Matrix step = {}, scale = {};
};

}  // namespace

void update_edges(DType type, List& list) {
  auto add = [&](const std::string& name, UpdateCase c, Matrix parameter, Matrix first = {},
                 Matrix second = {}, bool exact = true) {
    c.spec.m = c.parameter.rows, c.spec.n = c.parameter.columns, c.spec.dtype = type;
    list.push_back({to_string(c.spec.kind) + ": " + name,
                    c.spec,
                    -1,
                    {c.parameter, c.gradient, c.first, c.second, one(c.rate), c.step, c.scale},
                    {parameter, {}, first, second, {}, {}, {}},
                    exact});
  };
  const UpdateSpec sgd{.kind = UpdateKind::sgd};
  UpdateSpec momentum = sgd, nesterov = sgd, decay = sgd;
  momentum.momentum = nesterov.momentum = 0.5;
  nesterov.nesterov = true;
  decay.weight_decay = 0.5;
  add("against the gradient", {sgd, row({1, 2}), row({4, -4})}, row({0, 3}));
  add("learning rate 0", {sgd, row({1, 2}), row({4, -4}), {}, {}, 0}, row({1, 2}));
  add("scale", {sgd, row({1, 2}), row({4, -4}), {}, {}, 0.25, {}, one(0.5)}, row({0.5, 2.5}));
  add("NaN stays in its element", {sgd, Matrix(3, 3, 1), with(Matrix(3, 3, 4), 2, 2, nan)},
      with(Matrix(3, 3, 0), 2, 2, nan));
  add("weight decay", {decay, row({8}), row({0})}, row({7}));
  add("momentum", {momentum, one(1), one(4), one(2)}, one(-0.25), one(5));
  add("nesterov", {nesterov, one(1), one(4), one(2)}, one(-0.625), one(5));
  add("no elements", {sgd, Matrix(0, 4), Matrix(0, 4)}, Matrix(0, 4));
  add("no columns", {momentum, Matrix(4, 0), Matrix(4, 0), Matrix(4, 0)}, Matrix(4, 0), Matrix(4, 0));

  for (UpdateKind kind : {UpdateKind::adam, UpdateKind::adamw}) {
    const UpdateSpec adam{.kind = kind, .beta1 = 0.5, .beta2 = 0.75, .epsilon = 1e-8};
    UpdateSpec decaying = adam;
    decaying.weight_decay = 0.5;
    const Matrix zero = one(0), first_step = one(1);
    const double one_step = 0.25 * 4 / (4 + 1e-8);  // whatever the gradient
    add("gradient 0, no state: nothing moves", {adam, one(3), zero, zero, zero, 0.25, first_step}, one(3),
        zero, zero);
    add("the first step is the learning rate",
        {adam, row({1, 1}), row({4, -4}), row({0, 0}), row({0, 0}), 0.25, first_step},
        row({1 - one_step, 1 + one_step}), row({2, -2}), row({4, 4}), false);
    add("NaN stays in its element",
        {adam, row({1, 1}), row({0, nan}), row({0, 0}), row({0, 0}), 0.25, first_step}, row({1, nan}),
        row({0, nan}), row({0, nan}));
    if (kind == UpdateKind::adamw)
      add("decay without gradient", {decaying, one(8), zero, zero, zero, 0.25, first_step}, one(7), zero,
          zero);
    else  // the decay is the gradient: a whole step
      add("decay without gradient", {decaying, one(8), zero, zero, zero, 0.25, first_step}, one(8 - one_step),
          one(2), one(4), false);
  }
  const UpdateSpec rmsprop{.kind = UpdateKind::rmsprop, .beta2 = 0.75, .epsilon = 1e-8};
  const UpdateSpec adagrad{.kind = UpdateKind::adagrad, .epsilon = 1e-8};
  add("gradient 0, no state: nothing moves", {rmsprop, one(3), one(0), {}, one(0)}, one(3), {}, one(0));
  add("one step", {rmsprop, one(3), one(4), {}, one(0)}, one(3 - 0.25 * 4 / (2 + 1e-8)), {}, one(4), false);
  add("gradient 0, no state: nothing moves", {adagrad, one(3), one(0), {}, one(0)}, one(3), {}, one(0));
  add("one step", {adagrad, one(3), one(4), {}, one(9)}, one(3 - 0.25 * 4 / (5 + 1e-8)), {}, one(25), false);
}

}  // namespace plexus::conformance

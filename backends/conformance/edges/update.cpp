#include <cmath>

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
  UpdateSpec lasso = sgd, ridge = sgd, clipped = sgd, all = sgd;
  lasso.l1 = all.l1 = 2;
  ridge.l2 = all.l2 = 0.5;
  clipped.clip_value = all.clip_value = 1;
  add("l1 pulls by the sign, and not at 0", {lasso, row({1, -1, 0}), row({0, 0, 0})}, row({0.5, -0.5, 0}));
  add("l2 pulls by twice the value", {ridge, row({8, -4}), row({0, 0})}, row({6, -3}));
  add("clip_value", {clipped, row({1, 1, 1, 1}), row({8, -8, 0.5, nan})}, row({0.75, 1.25, 0.875, nan}));
  add("clip_value holds the scaled gradient", {clipped, row({1, 1}), row({8, 1}), {}, {}, 0.25, {}, one(0.5)},
      row({0.75, 0.875}));
  add("penalties are not clipped", {all, one(8), one(-40)}, one(8 - 0.25 * (-1 + 2 + 8)));
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
  const UpdateSpec adamax{.kind = UpdateKind::adamax, .beta1 = 0.5, .beta2 = 0.75, .epsilon = 0.5};
  const UpdateSpec nadam{.kind = UpdateKind::nadam, .beta1 = 0.5, .beta2 = 0.75, .epsilon = 1e-8};
  const UpdateSpec radam{.kind = UpdateKind::radam, .beta1 = 0.5, .beta2 = 0.999, .epsilon = 1e-8};
  const UpdateSpec adadelta{.kind = UpdateKind::adadelta, .beta2 = 0.75, .epsilon = 0.25};
  for (const UpdateSpec& spec : {adamax, nadam, radam})
    add("gradient 0, no state: nothing moves", {spec, one(3), one(0), one(0), one(0), 0.25, one(1)}, one(3),
        one(0), one(spec.kind == UpdateKind::adamax ? 0.5 : 0));
  for (const UpdateSpec& spec : {adamax, nadam, radam})
    add("NaN stays in its element",
        {spec, row({1, 1}), row({0, nan}), row({0, 0}), row({0, 0}), 0.25, one(1)}, row({1, nan}),
        row({0, nan}), row({spec.kind == UpdateKind::adamax ? 0.5 : 0, nan}));
  add("the larger of the past and of the gradient",
      {adamax, row({1, 1}), row({4, -4}), row({0, 0}), row({16, 2}), 0.25, one(1)},
      row({1 - 0.25 * 4 / 12, 1 + 0.25 * 4 / 4.5}), row({2, -2}), row({12, 4.5}), false);
  // mu is 0.25 in every step without decay: (0.25 m / (1 - 0.0625) + 0.75 g / 0.75) / |g|.
  add("the first step", {nadam, one(1), one(4), one(0), one(0), 0.25, one(1)},
      one(1 - 0.25 * (0.25 * 2 / 0.9375 + 4) / (4 + 1e-8)), one(2), one(4), false);
  // The mean square of five steps is not trusted yet: the mean gradient alone.
  add("the first step", {radam, one(1), one(4), one(0), one(0), 0.125, one(1)}, one(1 - 0.125 * 4), one(2),
      one(0.016), false);
  add("one step", {adadelta, one(1), one(2), one(0), one(0)}, one(1 - 0.25 * 2 * 0.5 / std::sqrt(1.25)),
      one(0.25 * (1 / 1.25)), one(1), false);
  const UpdateSpec rmsprop{.kind = UpdateKind::rmsprop, .beta2 = 0.75, .epsilon = 1e-8};
  const UpdateSpec adagrad{.kind = UpdateKind::adagrad, .epsilon = 1e-8};
  add("gradient 0, no state: nothing moves", {rmsprop, one(3), one(0), {}, one(0)}, one(3), {}, one(0));
  add("one step", {rmsprop, one(3), one(4), {}, one(0)}, one(3 - 0.25 * 4 / (2 + 1e-8)), {}, one(4), false);
  add("gradient 0, no state: nothing moves", {adagrad, one(3), one(0), {}, one(0)}, one(3), {}, one(0));
  add("one step", {adagrad, one(3), one(4), {}, one(9)}, one(3 - 0.25 * 4 / (5 + 1e-8)), {}, one(25), false);

  const auto max_norm = [&](const std::string& name, const Matrix& before, const Matrix& after, bool exact) {
    list.push_back({"max_norm: " + name,
                    MaxNormSpec{before.rows, before.columns, 5, type},
                    -1,
                    {before},
                    {after},
                    exact});
  };
  Matrix long_column(2, 3), shortened(2, 3);
  const double factor = 5 / (10 + 1e-7);
  long_column.values = {3, 6, 0, 4, 8, 1};
  shortened.values = {3, 6 * factor, 0, 4, 8 * factor, 1};
  max_norm("columns at the limit and below stay as they are", Matrix(2, 3, 3), Matrix(2, 3, 3), true);
  max_norm("a longer column is shortened", long_column, shortened, false);
  max_norm("NaN stays in its column", with(Matrix(2, 3, 1), 0, 1, nan), with(Matrix(2, 3, 1), 0, 1, nan),
           true);
  max_norm("no rows", Matrix(0, 3), Matrix(0, 3), true);
  max_norm("no columns", Matrix(3, 0), Matrix(3, 0), true);
}

}  // namespace plexus::conformance

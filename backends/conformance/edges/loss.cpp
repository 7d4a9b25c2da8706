#include "plexus/backends/conformance/edges/literals.h"

namespace plexus::conformance {
namespace {

struct LossCase {
  LossSpec spec;
  Matrix prediction, target, class_weights = {}, sample_weights = {}, scale = {};
};

void loss_edge(DType type, List& list, const std::string& name, LossCase c, Matrix gradient, double value,
               bool exact = true) {
  c.spec.m = c.prediction.rows, c.spec.n = c.prediction.columns, c.spec.dtype = type;
  c.spec.gradient = gradient.present;
  c.spec.class_weights = c.class_weights.present, c.spec.sample_weights = c.sample_weights.present;
  list.push_back({to_string(c.spec.kind) + ": " + name,
                  c.spec,
                  -1,
                  {c.prediction, c.target, c.class_weights, c.sample_weights, c.scale, {}, {}},
                  {{}, {}, {}, {}, {}, gradient, one(value)},
                  exact});
}

}  // namespace

void loss_edges(DType type, List& list) {
  const LossSpec mse{.kind = LossKind::mse}, mae{.kind = LossKind::mae};
  const LossSpec huber{.kind = LossKind::huber, .delta = 2};
  const LossSpec bce{.kind = LossKind::binary_cross_entropy};
  const LossSpec ce{.kind = LossKind::softmax_cross_entropy};
  const LossSpec one_hot{.kind = LossKind::softmax_cross_entropy_one_hot};
  auto add = [&](const std::string& name, LossCase c, Matrix gradient, double value, bool exact = true) {
    loss_edge(type, list, name, std::move(c), std::move(gradient), value, exact);
  };

  for (const LossSpec& spec : {mse, mae, huber, bce, ce, one_hot}) {
    const Matrix none(0, 3), labels = spec.kind == LossKind::softmax_cross_entropy ? Matrix(0, 1) : none;
    add("no rows: NaN", {spec, none, labels}, Matrix(0, 3), nan);
    add("no rows, a scale: 0", {spec, none, labels, {}, {}, one(2)}, Matrix(0, 3), 0);
    add("no rows, no gradient", {spec, none, labels}, {}, nan);
  }
  add("mean over rows and columns", {mse, Matrix(2, 2, {1, 2, 3, 4}), Matrix(2, 2, {1, 0, 3, 8})},
      Matrix(2, 2, {0, 1, 0, -2}), 5);
  add("sample weights", {mse, Matrix(2, 2, {1, 2, 3, 4}), Matrix(2, 2, {1, 0, 3, 8}), {}, column({2, 0})},
      Matrix(2, 2, {0, 2, 0, 0}), 2);
  add("a scale takes the place of 1/rows", {mse, Matrix(2, 1, {1, 2}), Matrix(2, 1, {0, 0}), {}, {}, one(2)},
      Matrix(2, 1, {4, 8}), 10);
  add("NaN stays in its element", {mse, Matrix(2, 2, {1, nan, 3, 4}), Matrix(2, 2, {1, 0, 3, 8})},
      Matrix(2, 2, {0, nan, 0, -2}), nan);
  add("slope 0 at 0", {mae, row({1, 3, 0, 2}), row({1, 1, 2, 2})}, row({0, 0.25, -0.25, 0}), 1);
  add("NaN stays in its element", {mae, row({nan, 3}), row({1, 1})}, row({nan, 0.5}), nan);
  add("at delta", {huber, row({2, -2, 6, 1}), row({0, 0, 0, 0})}, row({0.5, -0.5, 0.5, 0.25}), 3.625);
  add("logits of +-1e4", {bce, row({1e4, -1e4, 1e4, -1e4}), row({1, 0, 0, 1})}, row({0, 0, 0.25, -0.25}),
      5e3);
  add("logit 0", {bce, row({0, 0}), row({1, 0})}, row({-0.25, 0.25}), std::log(2.0), false);

  add("equal logits", {ce, Matrix(2, 4, 1e4), column({0, 3})},
      Matrix(2, 4, {-0.375, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125, -0.375}), std::log(4.0), false);
  add("4096 equal logits", {ce, Matrix(1, 4096, 3), one(4095)}, with(Matrix(1, 4096, 0x1p-12), 0, 4095, 0x1p-12 - 1), std::log(4096.0),
      false);
  add("logits of +-1e4, right", {ce, row({1e4, -1e4}), one(0)}, row({0, 0}), 0);
  add("logits of +-1e4, wrong", {ce, row({1e4, -1e4}), one(1)}, row({1, -1}), 2e4);
  add("a target of probability 0", {ce, row({0, -inf}), one(1)}, row({1, -1}), inf);
  add("+inf loses its row alone", {ce, Matrix(2, 2, {inf, 0, 0, 0}), column({1, 1})},
      Matrix(2, 2, {nan, nan, 0.25, -0.25}), nan);
  add("NaN loses its row alone", {ce, Matrix(2, 2, {0, nan, 0, 0}), column({0, 1})},
      Matrix(2, 2, {nan, nan, 0.25, -0.25}), nan);
  add("class and sample weights",
      {ce, Matrix(2, 2, 0), column({0, 1}), row({2, 4}), column({1, 0.5}), one(1)},
      Matrix(2, 2, {-1, 1, 1, -1}), 4 * std::log(2.0), false);
  for (double label : {-1.0, 2.0, -2147483648.0, 2147483647.0}) {
    const std::string name = "label " + std::to_string(int64_t(label)) + " of 2";
    const Matrix logits(3, 2, 0), labels = column({0, label, 1});
    const Matrix gradient(3, 2, {-0.5, 0.5, nan, nan, 0.5, -0.5});
    add(name, {ce, logits, labels, {}, {}, one(1)}, gradient, nan);
    add(name + ", class weights", {ce, logits, labels, row({1, 1}), {}, one(1)}, gradient, nan);
    add(name + ", no gradient", {ce, logits, labels}, {}, nan);
  }
  add("as with integer labels", {one_hot, row({1e4, -1e4}), row({0, 1})}, row({1, -1}), 2e4);
  add("soft labels", {one_hot, row({0, 0}), row({0.5, 0.5})}, row({0, 0}), std::log(2.0), false);
  add("class weights enter the sum", {one_hot, row({0, 0}), row({0.5, 0.5}), row({2, 4})}, row({0.5, -0.5}),
      3 * std::log(2.0), false);
  add("no share in a class of probability 0", {one_hot, row({3, -inf}), row({1, 0})}, row({0, 0}), 0);
}

}  // namespace plexus::conformance

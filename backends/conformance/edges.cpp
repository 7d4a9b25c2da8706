#include "plexus/backends/conformance/edges.h"

#include <cmath>
#include <limits>

#include "plexus/core/random.h"

namespace plexus::conformance {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double inf = std::numeric_limits<double>::infinity();

using List = std::vector<Edge>;

Matrix row(std::vector<double> values) {
  const int64_t n = int64_t(values.size());
  return Matrix(1, n, std::move(values));
}
Matrix column(std::vector<double> values) {
  const int64_t m = int64_t(values.size());
  return Matrix(m, 1, std::move(values));
}
Matrix one(double value) { return Matrix(1, 1, value); }
Matrix with(Matrix matrix, int64_t i, int64_t j, double value) {
  matrix(i, j) = value;
  return matrix;
}

/// The smallest numbers that have lost most of their bits to underflow.
double denormal(DType dtype) { return dtype == DType::f32 ? 0x1p-145 : 0x1p-1070; }
/// Its square is beyond the largest number.
double huge(DType dtype) { return dtype == DType::f32 ? 0x1p100 : 0x1p900; }

// ---- matmul

void matmul_edges(DType type, List& list) {
  auto spec = [&](Form form, int64_t m, int64_t n, int64_t k) {
    MatmulSpec s;
    s.form = form, s.m = m, s.n = n, s.k = k;
    s.batch = form == Form::tn ? Batch::k : Batch::m;
    s.a = s.b = s.c = type;
    return s;
  };
  for (Form form : {Form::nn, Form::nt, Form::tn}) {
    // a as [m,k] and b as [k,n], turned into what the form reads.
    auto a = [&](int64_t m, int64_t k, double v) { return form == Form::tn ? Matrix(k, m, v) : Matrix(m, k, v); };
    auto b = [&](int64_t k, int64_t n, double v) { return form == Form::nt ? Matrix(n, k, v) : Matrix(k, n, v); };
    auto put = [](Matrix matrix, bool transposed, int64_t i, int64_t j, double v) {
      return transposed ? with(matrix, j, i, v) : with(matrix, i, j, v);
    };
    const bool ta = form == Form::tn, tb = form == Form::nt;
    auto plain = [&](const std::string& name, int64_t m, int64_t n, int64_t k, Matrix left, Matrix right, Matrix c) {
      list.push_back({"matmul: " + name, spec(form, m, n, k), -1, {left, right, {}, {}}, {{}, {}, {}, c}});
    };
    plain("k = 0 writes zeros", 3, 5, 0, a(3, 0, 0), b(0, 5, 0), Matrix(3, 5));
    plain("m = 0", 0, 5, 4, a(0, 4, 0), b(4, 5, 1), Matrix(0, 5));
    plain("n = 0", 3, 0, 4, a(3, 4, 1), b(4, 0, 0), Matrix(3, 0));
    for (int64_t n : {1, 8, 17, 33}) {  // whole vectors, and tails of one element
      for (int64_t at : {int64_t(0), n / 2, n - 1}) {
        Matrix column_lost(2, n, 3), row_lost(n, 2, 3), depth_lost(2, 2, nan);
        for (int64_t i = 0; i < 2; ++i) column_lost(i, at) = row_lost(at, i) = nan;
        const std::string place = " at " + std::to_string(at) + " of " + std::to_string(n);
        plain("NaN in b, column" + place, 2, n, 3, a(2, 3, 1), put(b(3, n, 1), tb, 1, at, nan), column_lost);
        plain("NaN in a, row" + place, n, 2, 3, put(a(n, 3, 1), ta, at, 1, nan), b(3, 2, 1), row_lost);
        plain("0 times NaN, depth" + place, 2, 2, n, a(2, n, 0), put(put(b(n, 2, 1), tb, at, 0, nan), tb, at, 1, nan),
              depth_lost);
      }
    }
    plain("0 times infinity", 1, 1, 2, a(1, 2, 0), b(2, 1, inf), one(nan));
    plain("infinity - infinity", 1, 1, 2, put(a(1, 2, 1), ta, 0, 0, -1), b(2, 1, inf), one(nan));
    plain("overflow", 1, 1, 1, a(1, 1, huge(type)), b(1, 1, -huge(type)), one(-inf));
    plain("denormals are not flushed", 1, 1, 3, a(1, 3, denormal(type)), b(3, 1, 1), one(3 * denormal(type)));

    MatmulSpec bias = spec(form, 2, 3, 0), accumulate = bias;
    bias.bias = accumulate.accumulate = true;
    list.push_back({"matmul: k = 0 writes the bias", bias, -1, {a(2, 0, 0), b(0, 3, 0), row({1, nan, -2}), {}},
                    {{}, {}, {}, Matrix(2, 3, {1, nan, -2, 1, nan, -2})}});
    const Matrix old(2, 3, {1, 2, 3, inf, 5, nan});
    list.push_back({"matmul: k = 0 leaves an accumulated c", accumulate, -1, {a(2, 0, 0), b(0, 3, 0), {}, old},
                    {{}, {}, {}, old}});
    accumulate.k = 4;
    list.push_back({"matmul: accumulate adds to the old c", accumulate, form == Form::tn ? 4 : 2,
                    {a(2, 4, 2), b(4, 3, 1), {}, old}, {{}, {}, {}, Matrix(2, 3, {9, 10, 11, inf, 13, nan})}});
    if (form == Form::tn)
      list.push_back({"matmul: no rows in this batch write zeros", spec(form, 2, 3, 4), 0,
                      {Matrix(0, 2), Matrix(0, 3), {}, {}}, {{}, {}, {}, Matrix(2, 3)}});
  }
}

// ---- activation

double alpha_of(Activation kind) {
  return kind == Activation::leaky_relu ? 0.25 : kind == Activation::elu ? 0.5 : 0;
}

void forward(DType type, List& list, const std::string& name, Activation kind, Matrix x, Matrix y, bool exact = true) {
  const ActivationSpec spec{kind, x.rows, x.columns, alpha_of(kind), Batch::m, type};
  list.push_back({to_string(kind) + ": " + name, spec, -1, {x, {}}, {{}, y}, exact});
}

void backward(DType type, List& list, const std::string& name, Activation kind, Matrix dy, Matrix saved, Matrix dx,
              bool exact = true) {
  const ActivationGradientSpec spec{kind, dy.rows, dy.columns, alpha_of(kind), Batch::m, type};
  list.push_back({to_string(kind) + " gradient: " + name, spec, -1, {dy, saved, {}}, {{}, {}, dx}, exact});
}

void elementwise_edges(DType type, List& list) {
  struct Limits {
    Activation kind;
    double at_zero, at_minus_infinity, at_infinity;
  };
  constexpr double selu_limit = -1.7580993408473768;  // -1.05070098 * 1.67326324
  const Limits table[] = {
      {Activation::relu, 0, 0, inf},        {Activation::leaky_relu, 0, -inf, inf}, {Activation::elu, 0, -0.5, inf},
      {Activation::selu, 0, selu_limit, inf}, {Activation::gelu, 0, 0, inf},        {Activation::gelu_tanh, 0, 0, inf},
      {Activation::silu, 0, 0, inf},        {Activation::sigmoid, 0.5, 0, 1},       {Activation::tanh, 0, -1, 1},
      {Activation::softplus, std::log(2.0), 0, inf}};
  for (const Limits& f : table) {
    for (int64_t n : {1, 7, 8, 17, 33})
      for (int64_t at : {int64_t(0), n / 2, n - 1})
        forward(type, list, "NaN at " + std::to_string(at) + " of " + std::to_string(n), f.kind,
                with(Matrix(1, n), 0, at, nan), with(Matrix(1, n, f.at_zero), 0, at, nan), false);
    forward(type, list, "infinities and zeros", f.kind, row({-inf, inf, 0.0, -0.0}),
            row({f.at_minus_infinity, f.at_infinity, f.at_zero, f.at_zero}), false);
    const double far = f.at_minus_infinity == -inf ? -1e4 * 0.25 : f.at_minus_infinity;
    forward(type, list, "far from 0", f.kind, row({-1e4, 1e4}), row({far, std::fmin(f.at_infinity, 1e4)}), false);
    forward(type, list, "no rows", f.kind, Matrix(0, 5), Matrix(0, 5));
    forward(type, list, "no columns", f.kind, Matrix(5, 0), Matrix(5, 0));
    backward(type, list, "no rows", f.kind, Matrix(0, 5), Matrix(0, 5), Matrix(0, 5));
    backward(type, list, "NaN in the saved tensor", f.kind, Matrix(1, 9, 1), Matrix(1, 9, nan), Matrix(1, 9, nan));
    if (gradient_from_result(f.kind)) continue;
    backward(type, list, "infinities", f.kind, row({2, 2}), row({-inf, inf}), row({0, 2}));
    backward(type, list, "far from 0", f.kind, row({2, 2}), row({-1e4, 1e4}), row({0, 2}), false);
  }
  const double d = denormal(type);
  forward(type, list, "denormals", Activation::relu, row({d, -d}), row({d, 0}));
  forward(type, list, "denormals", Activation::tanh, row({d, -d}), row({d, -d}), false);
  backward(type, list, "0 at 0", Activation::relu, row({3, 3, 3}), row({0.0, -0.0, d}), row({0, 0, 3}));
  backward(type, list, "an infinite gradient into a dead unit", Activation::relu, row({inf, -inf, inf, -inf}),
           row({0, 0, 1, 1}), row({0, 0, inf, -inf}));
  backward(type, list, "NaN into a live unit", Activation::relu, row({nan, 1}), row({1, 1}), row({nan, 1}));
  backward(type, list, "the left slope at 0", Activation::leaky_relu, row({4, 4}), row({0, 1}), row({1, 4}));
  backward(type, list, "the left slope at 0", Activation::elu, row({4, 4, 4}), row({0, 1, -0.5}), row({2, 4, 0}));
  backward(type, list, "saturated", Activation::sigmoid, row({5, 5, 4}), row({0, 1, 0.5}), row({0, 0, 1}));
  backward(type, list, "saturated", Activation::tanh, row({5, 5, 4}), row({-1, 1, 0}), row({0, 0, 4}));
}

void softmax_edges(DType type, List& list) {
  const Activation softmax = Activation::softmax, log_softmax = Activation::log_softmax;
  forward(type, list, "one column", softmax, column({-1e4, 0, 3, 1e4}), Matrix(4, 1, 1));
  forward(type, list, "one column", log_softmax, column({-1e4, 0, 3, 1e4}), Matrix(4, 1, 0));
  forward(type, list, "no columns", softmax, Matrix(4, 0), Matrix(4, 0));
  forward(type, list, "no rows", softmax, Matrix(0, 4), Matrix(0, 4));
  forward(type, list, "no columns", log_softmax, Matrix(4, 0), Matrix(4, 0));
  forward(type, list, "equal logits", softmax, Matrix(2, 4, -1e4), Matrix(2, 4, 0.25));
  forward(type, list, "equal logits", log_softmax, Matrix(2, 4, 1e4), Matrix(2, 4, -std::log(4.0)), false);
  forward(type, list, "logits of +-1e4", softmax, Matrix(2, 3, {1e4, -1e4, 0, -1e4, -1e4, -1e4 - 8e3}),
          Matrix(2, 3, {1, 0, 0, 0.5, 0.5, 0}));
  forward(type, list, "logits of +-1e4", log_softmax, row({1e4, -1e4, 0}), row({0, -2e4, -1e4}));
  forward(type, list, "-inf has probability 0", softmax, row({-inf, 2, -inf, 2}), row({0, 0.5, 0, 0.5}));
  forward(type, list, "-inf has probability 0", log_softmax, row({-inf, 2, -inf}), row({-inf, 0, -inf}));
  for (Activation kind : {softmax, log_softmax}) {
    const double rest = kind == softmax ? 0.5 : -std::log(2.0);
    const Matrix lost(2, 2, {nan, nan, rest, rest});
    forward(type, list, "+inf loses its row alone", kind, Matrix(2, 2, {inf, 1, 7, 7}), lost, false);
    forward(type, list, "a row of -inf", kind, Matrix(2, 2, {-inf, -inf, 7, 7}), lost, false);
    for (int64_t n : {1, 2, 8, 17, 33})
      for (int64_t at : {int64_t(0), n / 2, n - 1})
        forward(type, list, "NaN at " + std::to_string(at) + " of " + std::to_string(n), kind,
                with(Matrix(1, n), 0, at, nan), Matrix(1, n, nan));
  }
  backward(type, list, "constant dy moves nothing", softmax, Matrix(1, 4, 3), Matrix(1, 4, 0.25), Matrix(1, 4, 0));
  backward(type, list, "one column", softmax, one(5), one(1), one(0));
  backward(type, list, "one column", log_softmax, one(5), one(0), one(0));
  backward(type, list, "NaN stays in its row", softmax, Matrix(2, 2, {nan, 1, 1, 1}), Matrix(2, 2, 0.5),
           Matrix(2, 2, {nan, nan, 0, 0}));
}

// ---- loss

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
  add("logits of +-1e4", {bce, row({1e4, -1e4, 1e4, -1e4}), row({1, 0, 0, 1})}, row({0, 0, 0.25, -0.25}), 5e3);
  add("logit 0", {bce, row({0, 0}), row({1, 0})}, row({-0.25, 0.25}), std::log(2.0), false);

  add("equal logits", {ce, Matrix(2, 4, 1e4), column({0, 3})},
      Matrix(2, 4, {-0.375, 0.125, 0.125, 0.125, 0.125, 0.125, 0.125, -0.375}), std::log(4.0), false);
  add("logits of +-1e4, right", {ce, row({1e4, -1e4}), one(0)}, row({0, 0}), 0);
  add("logits of +-1e4, wrong", {ce, row({1e4, -1e4}), one(1)}, row({1, -1}), 2e4);
  add("a target of probability 0", {ce, row({0, -inf}), one(1)}, row({1, -1}), inf);
  add("+inf loses its row alone", {ce, Matrix(2, 2, {inf, 0, 0, 0}), column({1, 1})},
      Matrix(2, 2, {nan, nan, 0.25, -0.25}), nan);
  add("NaN loses its row alone", {ce, Matrix(2, 2, {0, nan, 0, 0}), column({0, 1})},
      Matrix(2, 2, {nan, nan, 0.25, -0.25}), nan);
  add("class and sample weights", {ce, Matrix(2, 2, 0), column({0, 1}), row({2, 4}), column({1, 0.5}), one(1)},
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

// ---- dropout, reduce, scale, update

void dropout_edges(DType type, List& list) {
  const uint64_t seed = 7;
  const uint32_t stream = 3, step = 5;
  auto spec = [&](int64_t m, int64_t n, float rate) { return DropoutSpec{m, n, rate, stream, Batch::m, type}; };
  const Matrix seeds = one(double(seed)), steps = one(double(step));
  auto add = [&](const std::string& name, const DropoutSpec& s, Matrix x, Matrix y) {
    list.push_back({"dropout: " + name, s, -1, {x, seeds, steps, {}}, {{}, {}, {}, y}});
  };
  const Matrix x = row({1, nan, -inf, denormal(type), -0.0});
  add("rate 0 copies", spec(1, 5, 0), x, x);
  add("no rows", spec(0, 5, 0.5f), Matrix(0, 5), Matrix(0, 5));
  add("no columns", spec(5, 0, 0.5f), Matrix(5, 0), Matrix(5, 0));
  Matrix ones(9, 7, 1), nans(9, 7, nan), kept(9, 7), kept_nans(9, 7);
  const RandomStream random(seed, Purpose::dropout, stream, step);
  for (uint64_t i = 0; i < 63; ++i) {
    const bool keep = random.uniform(i) >= 0.5f;
    kept.values[i] = keep ? 2 : 0;
    kept_nans.values[i] = keep ? nan : 0;
  }
  add("the mask of the stream", spec(9, 7, 0.5f), ones, kept);
  add("what is dropped is 0, NaN as well", spec(9, 7, 0.5f), nans, kept_nans);
}

void reduce_edges(DType type, List& list) {
  auto add = [&](const std::string& name, Reduction kind, Matrix x, Matrix y, Matrix old = {}) {
    ReduceSpec spec{.kind = kind, .m = x.rows, .n = x.columns, .accumulate = old.present, .dtype = type};
    list.push_back({to_string(kind) + ": " + name, spec, -1, {x, old}, {{}, y}});
  };
  const Reduction columns = Reduction::column_sum, rows = Reduction::row_sum, squares = Reduction::sum_squares,
                  argmax = Reduction::argmax;
  const double d = denormal(type);
  add("no rows", columns, Matrix(0, 3), Matrix(1, 3));
  add("no columns", columns, Matrix(3, 0), Matrix(1, 0));
  add("no rows leave the old sum", columns, Matrix(0, 3), row({1, nan, inf}), row({1, nan, inf}));
  add("the old sum is the start", columns, Matrix(2, 2, {1, 2, 3, 4}), row({14, 26}), row({10, 20}));
  add("no rows", rows, Matrix(0, 3), Matrix(0, 1));
  add("no columns", rows, Matrix(3, 0), Matrix(3, 1));
  add("the old sum is the start", rows, Matrix(2, 2, {1, 2, 3, 4}), column({13, 27}), column({10, 20}));
  add("no elements", squares, Matrix(0, 3), one(0));
  add("the old sum is the start", squares, row({3, 4}), one(125), one(100));
  add("f64 holds the square of what f32 holds", squares, row({0x1p100, 1}), one(0x1p200));
  add("denormals", columns, Matrix(3, 1, d), one(3 * d));
  add("infinities", columns, Matrix(2, 3, {inf, inf, -inf, -inf, 1, -inf}), row({nan, inf, -inf}));
  for (int64_t n : {1, 8, 17, 33}) {
    for (int64_t at : {int64_t(0), n / 2, n - 1}) {
      const std::string place = "NaN at " + std::to_string(at) + " of " + std::to_string(n);
      add(place, columns, with(Matrix(2, n, 1), 1, at, nan), with(Matrix(1, n, 2), 0, at, nan));
      add(place, rows, with(Matrix(2, n, 1), 1, at, nan), column({double(n), nan}));
      add(place, squares, with(Matrix(2, n, 1), 1, at, nan), one(nan));
      add(place, argmax, with(Matrix(1, n, inf), 0, at, nan), one(double(at)));
      add("the largest at " + std::to_string(at), argmax, with(Matrix(1, n, -3), 0, at, -2), one(double(at)));
      add("the first NaN, from " + std::to_string(at), argmax, with(with(Matrix(1, n, 0), 0, n - 1, nan), 0, at, nan),
          one(double(at)));
    }
    add("ties: the lowest index of " + std::to_string(n), argmax, Matrix(3, n, 4), Matrix(3, 1));
    add("a row of -inf", argmax, Matrix(2, n, -inf), Matrix(2, 1));
  }
  add("two largest", argmax, Matrix(2, 5, {1, 7, 3, 7, 7, -9, -8, -8, -9, -8}), column({1, 1}));
  add("zeros of both signs are equal", argmax, Matrix(2, 2, {-0.0, 0.0, 0.0, -0.0}), Matrix(2, 1));
  add("no rows", argmax, Matrix(0, 2), Matrix(0, 1));

  auto clip = [&](const std::string& name, double limit, double sum, double factor, bool exact = true) {
    list.push_back({"clip: " + name, ClipSpec{limit, type}, -1, {one(sum), {}}, {{}, one(factor)}, exact});
  };
  clip("within the limit", 5, 16, 1);
  clip("a gradient of 0", 5, 0, 1);
  clip("beyond the limit", 1, 16, 1 / (4 + 1e-6), false);
  clip("NaN", 1, nan, nan);
  clip("infinite", 1, inf, 0);
}

void scale_edges(DType type, List& list) {
  auto add = [&](const std::string& name, Matrix x, Matrix offset, Matrix factor, Matrix y) {
    ScaleSpec spec{.m = x.rows, .n = x.columns, .offset = offset.present, .dtype = type};
    list.push_back({"scale: " + name, spec, -1, {x, offset, factor, {}}, {{}, {}, {}, y}});
  };
  add("no rows", Matrix(0, 2), row({1, 1}), row({1, 1}), Matrix(0, 2));
  add("no columns", Matrix(2, 0), Matrix(1, 0), Matrix(1, 0), Matrix(2, 0));
  add("a constant column gives 0", Matrix(2, 2, {5, 1, 5, 3}), row({5, 2}), row({0, 1}), Matrix(2, 2, {0, -1, 0, 1}));
  // (x - offset) first: x * scale - offset * scale would leave rounding errors behind.
  add("what equals the offset gives 0", row({1e6, 1e6 + 1}), row({1e6, 1e6}), row({0.375, 0.375}), row({0, 0.375}));
  add("NaN stays in its element", Matrix(2, 2, {nan, 1, 2, 3}), row({0, 0}), row({2, 2}), Matrix(2, 2, {nan, 2, 4, 6}));
  add("without offset", Matrix(2, 2, {inf, 1, 2, 3}), {}, row({2, -2}), Matrix(2, 2, {inf, -2, 4, -6}));
}

struct UpdateCase {
  UpdateSpec spec;
  Matrix parameter, gradient, first = {}, second = {};
  double rate = 0.25;
  Matrix step = {}, scale = {};
};

void update_edges(DType type, List& list) {
  auto add = [&](const std::string& name, UpdateCase c, Matrix parameter, Matrix first = {}, Matrix second = {},
                 bool exact = true) {
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
    add("gradient 0, no state: nothing moves", {adam, one(3), zero, zero, zero, 0.25, first_step}, one(3), zero, zero);
    add("the first step is the learning rate", {adam, row({1, 1}), row({4, -4}), row({0, 0}), row({0, 0}), 0.25, first_step},
        row({1 - one_step, 1 + one_step}), row({2, -2}), row({4, 4}), false);
    add("NaN stays in its element", {adam, row({1, 1}), row({0, nan}), row({0, 0}), row({0, 0}), 0.25, first_step},
        row({1, nan}), row({0, nan}), row({0, nan}));
    if (kind == UpdateKind::adamw)
      add("decay without gradient", {decaying, one(8), zero, zero, zero, 0.25, first_step}, one(7), zero, zero);
    else  // the decay is the gradient: a whole step
      add("decay without gradient", {decaying, one(8), zero, zero, zero, 0.25, first_step}, one(8 - one_step), one(2), one(4),
          false);
  }
  const UpdateSpec rmsprop{.kind = UpdateKind::rmsprop, .beta2 = 0.75, .epsilon = 1e-8};
  const UpdateSpec adagrad{.kind = UpdateKind::adagrad, .epsilon = 1e-8};
  add("gradient 0, no state: nothing moves", {rmsprop, one(3), one(0), {}, one(0)}, one(3), {}, one(0));
  add("one step", {rmsprop, one(3), one(4), {}, one(0)}, one(3 - 0.25 * 4 / (2 + 1e-8)), {}, one(4), false);
  add("gradient 0, no state: nothing moves", {adagrad, one(3), one(0), {}, one(0)}, one(3), {}, one(0));
  add("one step", {adagrad, one(3), one(4), {}, one(9)}, one(3 - 0.25 * 4 / (5 + 1e-8)), {}, one(25), false);
}

}  // namespace

std::vector<Edge> edges() {
  List list;
  for (DType type : {DType::f32, DType::f64}) {
    matmul_edges(type, list);
    elementwise_edges(type, list);
    softmax_edges(type, list);
    loss_edges(type, list);
    dropout_edges(type, list);
    reduce_edges(type, list);
    scale_edges(type, list);
    update_edges(type, list);
  }
  return list;
}

std::vector<Edge> edges(const std::string& family) {
  List list = edges();
  std::erase_if(list, [&](const Edge& edge) { return plexus::family(edge.spec) != family; });
  return list;
}

Result check(const Backend& backend, const Edge& edge) {
  const std::string name = edge.name + " (" + plexus::to_string(edge.spec) + ")";
  return check(backend, name, edge.spec, edge.rows, edge.inputs, edge.expected, edge.exact);
}

}  // namespace plexus::conformance

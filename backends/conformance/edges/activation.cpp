#include "plexus/backends/conformance/edges/literals.h"

namespace plexus::conformance {
namespace {

double alpha_of(Activation kind) {
  return kind == Activation::leaky_relu ? 0.25 : kind == Activation::elu ? 0.5 : 0;
}

void forward(DType type, List& list, const std::string& name, Activation kind, Matrix x, Matrix y,
             bool exact = true) {
  const ActivationSpec spec{kind, x.rows, x.columns, alpha_of(kind), Batch::m, type};
  list.push_back({to_string(kind) + ": " + name, spec, -1, {x, {}}, {{}, y}, exact});
}

void backward(DType type, List& list, const std::string& name, Activation kind, Matrix dy, Matrix saved,
              Matrix dx, bool exact = true) {
  const ActivationGradientSpec spec{kind, dy.rows, dy.columns, alpha_of(kind), Batch::m, type};
  list.push_back({to_string(kind) + " gradient: " + name, spec, -1, {dy, saved, {}}, {{}, {}, dx}, exact});
}

void elementwise_edges(DType type, List& list) {
  struct Limits {
    Activation kind;
    double at_zero, at_minus_infinity, at_infinity;
  };
  constexpr double selu_scale = 1.0507009873554805;
  constexpr double selu_limit = -1.7580993408473768;  // -1.05070098 * 1.67326324
  const Limits table[] = {{Activation::relu, 0, 0, inf},   {Activation::leaky_relu, 0, -inf, inf},
                          {Activation::elu, 0, -0.5, inf}, {Activation::selu, 0, selu_limit, inf},
                          {Activation::gelu, 0, 0, inf},   {Activation::gelu_tanh, 0, 0, inf},
                          {Activation::silu, 0, 0, inf},   {Activation::sigmoid, 0.5, 0, 1},
                          {Activation::tanh, 0, -1, 1},    {Activation::softplus, std::log(2.0), 0, inf}};
  for (const Limits& f : table) {
    for (int64_t n : {1, 7, 8, 17, 33})
      for (int64_t at : {int64_t(0), n / 2, n - 1})
        forward(type, list, "NaN at " + std::to_string(at) + " of " + std::to_string(n), f.kind,
                with(Matrix(1, n), 0, at, nan), with(Matrix(1, n, f.at_zero), 0, at, nan), false);
    forward(type, list, "infinities and zeros", f.kind, row({-inf, inf, 0.0, -0.0}),
            row({f.at_minus_infinity, f.at_infinity, f.at_zero, f.at_zero}), false);
    const double slope = f.kind == Activation::selu ? selu_scale : 1;
    const double far = f.at_minus_infinity == -inf ? -1e4 * 0.25 : f.at_minus_infinity;
    forward(type, list, "far from 0", f.kind, row({-1e4, 1e4}),
            row({far, std::fmin(f.at_infinity, slope * 1e4)}), false);
    forward(type, list, "no rows", f.kind, Matrix(0, 5), Matrix(0, 5));
    forward(type, list, "no columns", f.kind, Matrix(5, 0), Matrix(5, 0));
    backward(type, list, "no rows", f.kind, Matrix(0, 5), Matrix(0, 5), Matrix(0, 5));
    backward(type, list, "NaN in the saved tensor", f.kind, Matrix(1, 9, 1), Matrix(1, 9, nan),
             Matrix(1, 9, nan));
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
  backward(type, list, "the left slope at 0", Activation::elu, row({4, 4, 4}), row({0, 1, -0.5}),
           row({2, 4, 0}));
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
  forward(type, list, "4096 equal logits", softmax, Matrix(2, 4096, 3), Matrix(2, 4096, 0x1p-12));
  forward(type, list, "4096 equal logits", log_softmax, Matrix(2, 4096, 3), Matrix(2, 4096, -std::log(4096.0)), false);
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
    for (int64_t n : {1, 2, 8, 17, 33, 1025})
      for (int64_t at : {int64_t(0), n / 2, n - 1})
        forward(type, list, "NaN at " + std::to_string(at) + " of " + std::to_string(n), kind,
                with(Matrix(1, n), 0, at, nan), Matrix(1, n, nan));
  }
  backward(type, list, "constant dy moves nothing", softmax, Matrix(1, 4, 3), Matrix(1, 4, 0.25),
           Matrix(1, 4, 0));
  backward(type, list, "one column", softmax, one(5), one(1), one(0));
  backward(type, list, "one column", log_softmax, one(5), one(0), one(0));
  backward(type, list, "NaN stays in its row", softmax, Matrix(2, 2, {nan, 1, 1, 1}), Matrix(2, 2, 0.5),
           Matrix(2, 2, {nan, nan, 0, 0}));
}

}  // namespace

void activation_edges(DType type, List& list) {
  elementwise_edges(type, list);
  softmax_edges(type, list);
}

}  // namespace plexus::conformance

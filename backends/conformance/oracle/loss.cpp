#include <algorithm>

#include "plexus/backends/conformance/oracle/softmax.h"

namespace plexus::conformance {
namespace {

struct Row {
  Term value;
  std::vector<Term> gradient;
};

/// What rounding errors of a probability are in proportion to, beside itself: below the smallest normal number they no longer shrink
/// with it, and weights and scale may make them large again.
Real smallest_normal(DType dtype) { return dtype == DType::f32 ? 0x1p-126L : 0x1p-1022L; }

Real sign(Real x) { return std::isnan(x) ? x : Real((x > 0) - (x < 0)); }

/// One element of the losses that are a mean over columns, and its derivative.
Row element_loss(const LossSpec& s, Real p, Real t) {
  const Real d = p - t, size = std::fabs(d), delta = s.delta;
  switch (s.kind) {
    case LossKind::mse:
      return {Term::of(d * d), {Term::of(2 * d)}};
    case LossKind::mae:
      return {Term::of(size), {Term::of(sign(d))}};
    case LossKind::huber:
      if (size > delta)
        return {{delta * (size - delta / 2), delta * (size + delta / 2)}, {Term::of(delta * sign(d))}};
      return {Term::of(d * d / 2), {Term::of(d)}};
    default:
      break;
  }
  const Real positive = std::fmax(p, Real(0)), tail = std::log1p(std::exp(-std::fabs(p)));
  return {{(std::isnan(p) ? p : positive) - p * t + tail, positive + std::fabs(p * t) + tail},
          {{sigmoid(p) - t, sigmoid(p) + smallest_normal(s.dtype) + std::fabs(t)}}};
}

Row column_mean_loss(const LossSpec& s, const Matrix& prediction, const Matrix& target, int64_t i) {
  Row row;
  for (int64_t j = 0; j < s.n; ++j) {
    const Row one = element_loss(s, prediction(i, j), target(i, j));
    row.value += one.value.times(Real(1) / s.n);
    row.gradient.push_back(one.gradient[0].times(Real(1) / s.n));
  }
  return row;
}

/// -sum t_j w_j ln p_j; an integer label is the row of t with a single 1.
Row cross_entropy(const LossSpec& s, const Values& in, int64_t i) {
  const Matrix &x = in[0], &target = in[1], &weights = in[2];
  std::vector<Real> share(size_t(s.n), 0);
  if (s.kind == LossKind::softmax_cross_entropy) {
    const double label = target(i, 0);
    if (label < 0 || label >= double(s.n)) return {{NAN, NAN}, std::vector<Term>(size_t(s.n), {NAN, NAN})};
    share[size_t(label)] = 1;
  } else {
    for (int64_t j = 0; j < s.n; ++j) share[size_t(j)] = target(i, j);
  }
  Real total = 0;
  for (int64_t j = 0; j < s.n; ++j) {
    if (s.class_weights) share[size_t(j)] *= weights(0, j);
    total += share[size_t(j)];
  }
  const SoftmaxRow softmax(x, i);
  Row row;
  for (int64_t j = 0; j < s.n; ++j) {
    const Real p = softmax.p[size_t(j)], log_p = softmax.log_p[size_t(j)], w = share[size_t(j)];
    // A class without a share adds nothing, though its logarithm be infinite.
    if (w != 0 || std::isnan(log_p)) row.value += {-w * log_p, w * (1 + std::fabs(log_p))};
    row.gradient.push_back({total * p - w, total * (probability_magnitude(p) + smallest_normal(s.dtype)) + w});
  }
  return row;
}

}  // namespace

std::vector<Expected> evaluate(const LossSpec& s, const Values& in) {
  std::vector<Expected> out(7);
  const bool softmax =
      s.kind == LossKind::softmax_cross_entropy || s.kind == LossKind::softmax_cross_entropy_one_hot;
  const Matrix &sample_weights = in[3], &given_scale = in[4];
  const Real scale = given_scale.present ? Real(given_scale(0, 0)) : Real(1) / s.m;
  Term value;
  if (s.gradient) out[5] = matrix_of(s.m, s.n);
  for (int64_t i = 0; i < s.m; ++i) {
    const Row row = softmax ? cross_entropy(s, in, i) : column_mean_loss(s, in[0], in[1], i);
    const Real weight = scale * (s.sample_weights ? Real(sample_weights(i, 0)) : Real(1));
    value += row.value.times(weight);
    if (!s.gradient) continue;
    for (int64_t j = 0; j < s.n; ++j) put(out[5], i, j, row.gradient[size_t(j)].times(weight));
  }
  if (s.m == 0 && !given_scale.present) value = {NAN, NAN};
  out[6] = matrix_of(1, 1);
  put(out[6], 0, 0, value);
  return out;
}

}  // namespace plexus::conformance

// Losses: the value, and the gradient beside it. A function a kind works on one row; the sum over the rows
// comes last.
#include <algorithm>
#include <cmath>
#include <limits>

#include "plexus/backends/reference/kernel.h"
#include "plexus/backends/reference/softmax.h"

namespace plexus::reference {
namespace {

constexpr double element_ns = 10;  // an exponential or two

/// What one prediction contributes: its loss, and the derivative by the prediction.
struct Term {
  double loss, slope;
};

Term squared_error(double prediction, double target) {
  const double d = prediction - target;
  return {d * d, 2 * d};
}

Term absolute_error(double prediction, double target) {
  const double d = prediction - target;
  return {std::abs(d), d > 0 ? 1 : d < 0 ? -1 : d};  // the last is 0 or NaN
}

Term huber(double prediction, double target, double delta) {
  const double d = prediction - target;
  if (d > delta) return {delta * (d - delta / 2), delta};
  if (d < -delta) return {delta * (-d - delta / 2), -delta};
  return {d * d / 2, d};
}

/// -t ln s(z) - (1-t) ln(1 - s(z)) with the sigmoid s, written so that nothing overflows or cancels.
Term binary_cross_entropy(double logit, double target) {
  const double small = std::exp(-std::abs(logit));
  const double probability = (logit >= 0 ? 1 : small) / (1 + small);
  return {std::max(logit, 0.0) - logit * target + std::log1p(small), probability - target};
}

/// One row: of how much weight, and where its gradient goes (null: nowhere). All functions below return its
/// loss.
template <class T>
struct Row {
  const T* prediction;
  T* gradient;
  int64_t n;
  double factor;  ///< d value / d loss of this row
};

/// The mean over the columns.
template <class T, class F>
double mean_loss(const Row<T>& row, const T* target, F term) {
  double sum = 0;
  for (int64_t j = 0; j < row.n; j++) {
    const Term t = term(double(row.prediction[j]), double(target[j]));
    sum += t.loss;
    if (row.gradient) row.gradient[j] = T(row.factor * t.slope / double(row.n));
  }
  return sum / double(row.n);
}

template <class T>
double class_weight(const T* class_weights, int64_t j) {
  return class_weights ? double(class_weights[j]) : 1;
}

template <class T>
double cross_entropy(const Row<T>& row, int32_t label, const T* class_weights) {
  if (label < 0 || label >= row.n) {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    if (row.gradient) std::fill_n(row.gradient, row.n, T(nan));
    return nan;
  }
  const RowSoftmax softmax(row.prediction, row.n);
  const double weight = class_weight(class_weights, label);
  if (row.gradient)
    for (int64_t j = 0; j < row.n; j++) {
      const double probability = softmax.probability(double(row.prediction[j]));
      row.gradient[j] = T(row.factor * weight * (probability - (j == label ? 1 : 0)));
    }
  return weight * -softmax.log_probability(double(row.prediction[label]));
}

/// Targets need not sum to one: the gradient is p sum(w t) - w t.
template <class T>
double cross_entropy_one_hot(const Row<T>& row, const T* target, const T* class_weights) {
  const RowSoftmax softmax(row.prediction, row.n);
  const auto weight = [&](int64_t j) { return class_weight(class_weights, j) * double(target[j]); };
  double loss = 0, total = 0;
  for (int64_t j = 0; j < row.n; j++) {
    total += weight(j);
    // A class that does not count may have probability 0, whose logarithm is infinite.
    if (weight(j) != 0) loss -= weight(j) * softmax.log_probability(double(row.prediction[j]));
  }
  if (row.gradient)
    for (int64_t j = 0; j < row.n; j++) {
      const double probability = softmax.probability(double(row.prediction[j]));
      row.gradient[j] = T(row.factor * (probability * total - weight(j)));
    }
  return loss;
}

template <class T>
void loss(const LossSpec& spec, const LossSpec::Args& args, const Resources& resources) {
  const auto* prediction = static_cast<const T*>(args.prediction);
  const auto* target = static_cast<const T*>(args.target);
  const auto* labels = static_cast<const int32_t*>(args.target);
  const auto* class_weights = static_cast<const T*>(args.class_weights);
  const auto* sample_weights = static_cast<const T*>(args.sample_weights);
  auto* gradient = static_cast<T*>(args.gradient);
  auto* losses = static_cast<double*>(resources.workspace);
  const int64_t n = spec.n;
  const double scale = args.scale ? double(*static_cast<const T*>(args.scale)) : 1 / double(spec.m);

  const auto loss_of = [&](const Row<T>& row, int64_t i) {
    const T* row_target = target + i * n;
    switch (spec.kind) {
      case LossKind::mse:
        return mean_loss(row, row_target, squared_error);
      case LossKind::mae:
        return mean_loss(row, row_target, absolute_error);
      case LossKind::huber:
        return mean_loss(row, row_target, [&](double p, double t) { return huber(p, t, spec.delta); });
      case LossKind::binary_cross_entropy:
        return mean_loss(row, row_target, binary_cross_entropy);
      case LossKind::softmax_cross_entropy:
        return cross_entropy(row, labels[i], class_weights);
      case LossKind::softmax_cross_entropy_one_hot:
        return cross_entropy_one_hot(row, row_target, class_weights);
    }
    return 0.0;
  };

  resources.executor.parallel_for(spec.m, grain(element_ns * double(n)), [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; i++) {
      const double weight = sample_weights ? double(sample_weights[i]) : 1;
      losses[i] =
          weight * loss_of({prediction + i * n, gradient ? gradient + i * n : nullptr, n, scale * weight}, i);
    }
  });

  double sum = 0;  // one chain in the order of the rows, whoever computed them
  for (int64_t i = 0; i < spec.m; i++) sum += losses[i];
  *static_cast<T*>(args.value) = T(scale * sum);  // no rows: 0 times 1/0, the mean of nothing, is NaN
}

}  // namespace

KernelPointer make_kernel(const LossSpec& spec, const Executor& executor) {
  return typed_kernel(spec, spec.dtype, executor, loss<float>, loss<double>, size_t(spec.m) * sizeof(double));
}

}  // namespace plexus::reference

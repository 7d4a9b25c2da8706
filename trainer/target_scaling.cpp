#include "plexus/trainer/target_scaling.h"

#include <cmath>
#include <string>

#include "plexus/core/error.h"
#include "plexus/layers/dense.h"

namespace plexus {
namespace {

void require_columns(const char* what, int64_t found, size_t wanted) {
  if (found != static_cast<int64_t>(wanted))
    throw ShapeError("target scaling: " + std::to_string(found) + " " + what + ", " + std::to_string(wanted) +
                     " learnt");
}

template <class T>
void fold(Tensor& weight, Tensor& bias, const std::vector<double>& means,
          const std::vector<double>& deviations) {
  const auto weights = weight.values<T>(), biases = bias.values<T>();
  for (size_t i = 0; i < weights.size(); ++i)
    weights[i] = static_cast<T>(static_cast<double>(weights[i]) * deviations[i % deviations.size()]);
  for (size_t j = 0; j < biases.size(); ++j)
    biases[j] = static_cast<T>(static_cast<double>(biases[j]) * deviations[j] + means[j]);
}

}  // namespace

TargetScaling::TargetScaling(const Dataset& train) {
  if (train.classes() > 0)
    throw ArgumentError("target scaling: the targets are classes: there is nothing to scale");
  if (train.size() == 0) throw ArgumentError("target scaling: no rows to learn from");
  const auto columns = static_cast<size_t>(train.target_shape().elements());
  const auto rows = static_cast<double>(train.size());
  std::vector<double> row(columns);
  means_.assign(columns, 0.0);
  deviations_.assign(columns, 0.0);
  // In two passes: squares of large numbers would cancel.
  for (int64_t i = 0; i < train.size(); ++i) {
    train.read_target(i, row.data());
    for (size_t j = 0; j < columns; ++j) means_[j] += row[j] / rows;
  }
  for (int64_t i = 0; i < train.size(); ++i) {
    train.read_target(i, row.data());
    for (size_t j = 0; j < columns; ++j) deviations_[j] += (row[j] - means_[j]) * (row[j] - means_[j]) / rows;
  }
  for (double& deviation : deviations_) deviation = deviation > 0 ? std::sqrt(deviation) : 1;
}

Dataset TargetScaling::apply(const Dataset& data) const {
  if (data.classes() > 0)
    throw ArgumentError("target scaling: the targets are classes: there is nothing to scale");
  require_columns("target columns", data.target_shape().elements(), means_.size());
  const auto columns = static_cast<int64_t>(means_.size());
  Tensor targets(DType::f32, {data.size(), columns});
  std::vector<double> row(means_.size());
  float* to = targets.values<float>().data();
  for (int64_t i = 0; i < data.size(); ++i) {
    data.read_target(i, row.data());
    for (size_t j = 0; j < row.size(); ++j) *to++ = static_cast<float>((row[j] - means_[j]) / deviations_[j]);
  }
  return data.with_targets(targets);
}

void TargetScaling::fold_into(Sequential& network) const {
  const size_t last = network.size() - 1;
  const auto* dense = network.size() > 0 ? dynamic_cast<const Dense*>(&network[last]) : nullptr;
  if (!dense || !network.built() || !network.store().contains(network.prefix(last) + ".bias"))
    throw ArgumentError("target scaling: the last layer of the network must be a Dense with bias, and built");
  const std::string prefix = network.prefix(last);
  Tensor weight = network.store().get(prefix + ".weight"), bias = network.store().get(prefix + ".bias");
  require_columns("outputs", bias.shape().elements(), means_.size());
  if (network.dtype() == DType::f64)
    fold<double>(weight, bias, means_, deviations_);
  else
    fold<float>(weight, bias, means_, deviations_);
  network.store().set(prefix + ".weight", weight);
  network.store().set(prefix + ".bias", bias);
}

}  // namespace plexus

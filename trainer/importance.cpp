#include "plexus/trainer/importance.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "plexus/core/error.h"
#include "plexus/core/random.h"
#include "plexus/layers/one_hot.h"

namespace plexus {
namespace {

/// Accuracy, or R2 over all target columns, with these features in place of the data's.
double score(Trainer& trainer, const Dataset& data, const Tensor& features) {
  const auto rows = static_cast<size_t>(data.size());
  if (data.classes() > 0) {
    const Tensor classes = trainer.predict_classes(features);
    int64_t right = 0;
    for (size_t row = 0; row < rows; ++row)
      right += classes.values<int32_t>()[row] == data.label(static_cast<int64_t>(row));
    return static_cast<double>(right) / static_cast<double>(rows);
  }
  const Tensor outputs = trainer.predict(features);
  const auto columns = static_cast<size_t>(outputs.shape().columns());
  const auto values = outputs.values<float>();
  std::vector<double> targets(rows * columns), mean(columns, 0.0);
  for (size_t row = 0; row < rows; ++row) {
    data.read_target(static_cast<int64_t>(row), targets.data() + row * columns);
    for (size_t c = 0; c < columns; ++c) mean[c] += targets[row * columns + c] / static_cast<double>(rows);
  }
  double residual = 0, total = 0;
  for (size_t i = 0; i < targets.size(); ++i) {
    residual += std::pow(static_cast<double>(values[i]) - targets[i], 2);
    total += std::pow(targets[i] - mean[i % columns], 2);
  }
  return 1 - residual / total;
}

}  // namespace

std::vector<Importance> permutation_importance(Trainer& trainer, const Dataset& data,
                                               const PermutationOptions& options) {
  if (options.repeats < 2)
    throw ArgumentError("permutation_importance: " + std::to_string(options.repeats) +
                        " repeats: choose 2 or more, so that there is an interval");
  trainer.evaluate(data);  // refuses what does not fit
  const Sequential& network = trainer.network();
  const auto* one_hot = dynamic_cast<const OneHot*>(&network[0]);
  const Dataset encoded = data.with_categories(one_hot ? one_hot->categories() : Categories());
  const auto rows = static_cast<size_t>(data.size());
  const auto columns = static_cast<size_t>(data.feature_shape().elements());
  Tensor features(DType::f32, data.feature_shape().batched(data.size()));
  const auto values = features.values<float>();
  for (size_t row = 0; row < rows; ++row)
    encoded.read_features(static_cast<int64_t>(row), values.data() + row * columns);

  const double whole = score(trainer, data, features);
  std::vector<Importance> importances;
  std::vector<float> column(rows);
  std::vector<double> falls(static_cast<size_t>(options.repeats));
  for (size_t c = 0; c < columns; ++c) {
    for (size_t row = 0; row < rows; ++row) column[row] = values[row * columns + c];
    for (size_t repeat = 0; repeat < falls.size(); ++repeat) {
      const RandomStream random(options.seed, Purpose::permute, static_cast<uint32_t>(c),
                                static_cast<uint32_t>(repeat));
      std::vector<float> dealt = column;
      for (size_t row = rows; row > 1; --row) std::swap(dealt[row - 1], dealt[random.below(row, row)]);
      for (size_t row = 0; row < rows; ++row) values[row * columns + c] = dealt[row];
      falls[repeat] = whole - score(trainer, data, features);
    }
    for (size_t row = 0; row < rows; ++row) values[row * columns + c] = column[row];
    const auto number = static_cast<int64_t>(c);
    importances.push_back(
        {number, data.column_label(number),
         std::accumulate(falls.begin(), falls.end(), 0.0) / static_cast<double>(falls.size()),
         mean_interval(falls)});
  }
  std::stable_sort(importances.begin(), importances.end(),
                   [](const Importance& a, const Importance& b) { return a.mean > b.mean; });
  return importances;
}

}  // namespace plexus

#include "plexus/trainer/class_weights.h"

#include "plexus/core/error.h"

namespace plexus {

std::vector<float> balanced_class_weights(const Dataset& data) {
  if (data.classes() == 0)
    throw ArgumentError("balanced_class_weights: the targets are real values, not classes");
  std::vector<int64_t> counts(static_cast<size_t>(data.classes()), 0);
  for (int64_t row = 0; row < data.size(); ++row) ++counts[static_cast<size_t>(data.label(row))];
  std::vector<float> weights;
  for (const int64_t count : counts)
    weights.push_back(count == 0 ? 0.0f
                                 : static_cast<float>(static_cast<double>(data.size()) /
                                                      static_cast<double>(data.classes() * count)));
  return weights;
}

}  // namespace plexus

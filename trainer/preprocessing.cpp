#include "plexus/trainer/preprocessing.h"

#include "plexus/layers/one_hot.h"

namespace plexus {

Dataset encoded(const Sequential& network, const Dataset& data) {
  const auto* one_hot = network.size() > 0 ? dynamic_cast<const OneHot*>(&network[0]) : nullptr;
  return one_hot && !one_hot->learnt() ? data
                                       : data.with_categories(one_hot ? one_hot->categories() : Categories());
}

void learn_categories(Sequential& network, const Dataset& train) {
  auto* one_hot = dynamic_cast<OneHot*>(&network[0]);
  if (!one_hot || one_hot->learnt()) return;
  Categories categories = train.categories();
  categories.resize(static_cast<size_t>(train.feature_shape().elements()));  // no text: all are numbers
  *one_hot = OneHot(std::move(categories));
}

bool fitted(const Sequential& network) {
  for (size_t i = 0; i < network.size(); ++i)
    if (!network[i].fitted(network.store(), network.prefix(i))) return false;
  return true;
}

void fit_preprocessing(Sequential& network, const Dataset& train) {
  if (fitted(network)) return;
  network.fit_preprocessing({train.size(), train.feature_shape(), [&](int64_t row, std::span<double> out) {
                               train.read_features(row, out.data());
                             }});
}

}  // namespace plexus

#include "plexus/trainer/preflight.h"

#include <algorithm>
#include <cmath>

#include "plexus/core/error.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/one_hot.h"
#include "plexus/trainer/suspicion.h"

namespace plexus {
namespace {

/// The last layer where it turns logits into probabilities; else null.
const ActivationLayer* probability_head(const Sequential& network) {
  const auto* last = dynamic_cast<const ActivationLayer*>(&network[network.size() - 1]);
  if (!last) return nullptr;
  switch (last->kind()) {
    case Activation::softmax:
    case Activation::log_softmax:
    case Activation::sigmoid:
      return last;
    default:
      return nullptr;
  }
}

/// A OneHot that has learnt nothing yet will learn the data's categories.
Shape output_shape(const Sequential& network, const Dataset& data) {
  Shape shape = data.feature_shape();
  for (size_t i = 0; i < network.size(); ++i) {
    const auto* one_hot = dynamic_cast<const OneHot*>(&network[i]);
    if (one_hot && !one_hot->learnt()) {
      if (const Categories categories = data.categories(); !categories.empty())
        shape = OneHot(categories).output_shape(shape);
    } else {
      shape = network[i].output_shape(shape);
    }
  }
  return shape;
}

void check_loss(const Sequential& network, const Loss& loss, const Dataset& data) {
  const bool cross_entropy = std::holds_alternative<SoftmaxCrossEntropy>(loss);
  const bool binary = std::holds_alternative<BinaryCrossEntropy>(loss);
  const std::string name = to_string(loss);
  if (data.labels() && !cross_entropy)
    throw Refusal("loss-of-another-task",
                  "loss " + name + ": the targets are class numbers: use SoftmaxCrossEntropy" +
                      (binary ? ", or targets 0 and 1 by Dataset::regression" : ", or regress"));
  if (!data.labels() && cross_entropy && data.target_shape().elements() < 2)
    throw Refusal("loss-of-another-task",
                  "loss " + name + ": the targets are real values, not classes: use Mse, or classify");
  if (const auto* entropy = std::get_if<SoftmaxCrossEntropy>(&loss)) {
    const auto weights = static_cast<int64_t>(entropy->class_weights.size());
    const int64_t classes = data.labels() ? data.classes() : data.target_shape().elements();
    if (weights != 0 && weights != classes)
      throw Refusal("class-weights-of-another-number",
                    "loss " + name + ": " + count_of(weights, "class weight") + " for " +
                        count_of(classes, "class") + ": give one for every class");
  }
  const ActivationLayer* head = probability_head(network);
  if (head && (cross_entropy || binary))
    throw Refusal("loss-takes-logits", "loss " + name + ": takes logits, but the last layer is " +
                                           head->name() + ": remove that layer");
}

void check_head(const Sequential& network, const Dataset& data) {
  const Shape output = output_shape(network, data);
  const int64_t wanted = data.labels() ? data.classes() : data.target_shape().elements();
  if (output == Shape{wanted}) return;
  const std::string have =
      output.rank() == 1 ? count_of(output.elements(), "output") : "outputs of shape " + to_string(output);
  throw Refusal("head-of-another-width",
                "head: " + have + " for " +
                    (data.labels() ? count_of(wanted, "class") : count_of(wanted, "target column")) +
                    ": let the last layer be Dense(" + std::to_string(wanted) + ")" +
                    (output.rank() == 1 ? "" : " behind Flatten()"));
}

/// Throws where a feature is NaN or infinite: names the first column with any, its first row, and how many
/// there are. NaN stands for a missing value where the network fills those in, and in columns of categories.
void check_features(const Sequential& network, const Dataset& data) {
  const int64_t columns = data.feature_shape().elements();
  if (data.size() > 0 && static_cast<int64_t>(data.row_bytes(0).size()) == columns) return;  // bytes are finite
  std::vector<float> row(static_cast<size_t>(columns));
  std::vector<int64_t> bad(row.size(), 0), first(row.size(), 0);
  bool any = false, imputed = false;
  for (size_t i = 0; i < network.size(); ++i) imputed |= network[i].stage() == Stage::impute;
  const Categories categories = data.categories();
  std::vector<int64_t> missing(row.size(), 0);
  for (int64_t i = 0; i < data.size(); ++i) {
    data.read_features(i, row.data());
    for (size_t c = 0; c < row.size(); ++c) {
      if (std::isfinite(row[c])) continue;
      if (std::isnan(row[c]) && (imputed || (!categories.empty() && !categories[c].empty()))) {
        ++missing[c];
        continue;
      }
      if (bad[c]++ == 0) first[c] = i;
      any = true;
    }
  }
  for (size_t c = 0; c < row.size(); ++c) {  // nothing to learn the mean from
    if (missing[c] < data.size()) continue;
    bad[c] = missing[c];
    any = true;
  }
  if (!any) return;
  const auto c = std::find_if(bad.begin(), bad.end(), [](int64_t count) { return count > 0; }) - bad.begin();
  const int64_t count = bad[static_cast<size_t>(c)], place = first[static_cast<size_t>(c)];
  data.read_features(place, row.data());
  const std::string what = std::isnan(row[static_cast<size_t>(c)]) ? "NaN" : "infinite";
  if (count == data.size())
    throw Refusal("features-not-finite",
                  "features: " + data.column_label(c) + " is " + what + " in every row: remove the column");
  throw Refusal("features-not-finite", "features: " + data.column_label(c) + " is " + what + " in " +
                                           data.place(place) +
                                           (count > 1 ? " and " + std::to_string(count - 1) + " more" : "") +
                                           ": remove such rows or fill the values in");
}

void check_targets(const Loss& loss, const Dataset& data) {
  const bool binary = std::holds_alternative<BinaryCrossEntropy>(loss);
  const bool one_hot = std::holds_alternative<SoftmaxCrossEntropy>(loss);
  std::vector<float> row(static_cast<size_t>(data.target_shape().elements()));
  for (int64_t i = 0; i < data.size(); ++i) {
    data.read_target(i, row.data());
    double sum = 0;
    for (size_t c = 0; c < row.size(); ++c) {
      const std::string column = row.size() == 1 ? "" : "column " + std::to_string(c) + " ";
      if (!std::isfinite(row[c]))
        throw Refusal("targets-not-finite", "targets: " + column + "is " +
                                                (std::isnan(row[c]) ? "NaN" : "infinite") + " in " +
                                                data.place(i) + ": remove such rows");
      if ((binary || one_hot) && (row[c] < 0 || row[c] > 1))
        throw Refusal("targets-not-probabilities",
                      "targets: " + column + "is " + std::to_string(row[c]) + " in " + data.place(i) + ": " +
                          to_string(loss) + " takes probabilities from 0 to 1: use Mse, or classify");
      sum += row[c];
    }
    // Float rows that sum to 1 are off by rounding only: 1e-3 leaves room for 10 000 classes.
    if (one_hot && std::abs(sum - 1) > 1e-3)
      throw Refusal("targets-not-probabilities", "targets: " + data.place(i) + " sums to " +
                                                     std::to_string(sum) + ": " + to_string(loss) +
                                                     " takes rows that sum to 1: use Mse, or classify");
  }
}

}  // namespace

void check_fit(const Sequential& network, const Loss& loss, const Dataset& data) {
  if (data.size() == 0) throw Refusal("too-few-rows", "data: no rows: give at least one");
  if (network.size() == 0) throw ArgumentError("network: no layers: add some");
  if (network.built() && !(network.input_shape() == data.feature_shape()))
    throw ShapeError("data: rows of shape " + to_string(data.feature_shape()) +
                     ", but the network was built for " + to_string(network.input_shape()) +
                     ": give rows of that shape");
  check_loss(network, loss, data);
  check_head(network, data);
}

void check_values(const Sequential& network, const Loss& loss, const Dataset& data) {
  check_features(network, data);
  if (!data.labels()) check_targets(loss, data);
}

void check_learnable(const Dataset& data) {
  if (data.size() < 2)
    throw Refusal("too-few-rows",
                  "data: " + count_of(data.size(), "row") + " to train on: at least two are needed");
  if (data.classes() == 0) return;
  const int32_t first = data.label(0);
  for (int64_t row = 1; row < data.size(); ++row)
    if (data.label(row) != first) return;
  throw Refusal("one-class", "data: all " + std::to_string(data.size()) + " rows are of one class ('" +
                                 data.class_names()[static_cast<size_t>(first)] +
                                 "'): add rows of another class, or regress");
}

}  // namespace plexus

#include "plexus/cli/run_result.h"

#include <algorithm>
#include <cmath>

#include "plexus/cli/image.h"
#include "plexus/cli/model_data.h"
#include "plexus/cli/plan_costs.h"
#include "plexus/cli/predictions.h"
#include "plexus/layers/one_hot.h"

namespace plexus::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t most_mistakes = 24;   // three lines of pictures
constexpr int64_t most_values = 4096;  // of a row: pictures of 64 x 64; larger rows are named only
constexpr int64_t most_units = 64;     // eight lines of pictures

/// How wrong, and which row.
struct Mistake {
  double size;
  int64_t row;
};

/// The worst first; the earlier one of equals.
std::vector<Mistake> worst(std::vector<Mistake> mistakes) {
  std::stable_sort(mistakes.begin(), mistakes.end(),
                   [](const Mistake& a, const Mistake& b) { return a.size > b.size; });
  if (mistakes.size() > most_mistakes) mistakes.resize(most_mistakes);
  return mistakes;
}

/// Numbers, or the text of categories: what stood in the data.
Json values_json(const Dataset& test, const Categories& categories, int64_t row) {
  std::vector<double> values(static_cast<size_t>(test.feature_shape().elements()));
  test.read_features(row, values.data());
  Json json = Json::array();
  for (size_t i = 0; i < values.size(); ++i)
    if (i < categories.size() && !categories[i].empty())
      json.push_back(values[i] < 0 ? Json() : Json(categories[i][static_cast<size_t>(values[i])]));
    else if (std::floor(values[i]) == values[i] && std::abs(values[i]) < 1e9)
      json.push_back(static_cast<int64_t>(values[i]));  // pixels: half as long
    else
      json.push_back(static_cast<float>(values[i]));
  return json;
}

Json mistakes_json(Trainer& trainer, const Dataset& test) {
  const Tensor predicted = trainer.predict(test);
  const auto columns = static_cast<size_t>(predicted.shape().columns());
  const auto output = [&](int64_t row) {
    return predicted.values<float>().subspan(static_cast<size_t>(row) * columns, columns);
  };
  std::vector<float> target(columns);
  std::vector<Mistake> mistakes;
  const Tensor classes = test.labels() ? trainer.predict_classes(test) : Tensor(DType::i32, {0});
  for (int64_t row = 0; row < test.size(); ++row) {
    double size = 0;
    if (test.labels()) {
      if (classes.values<int32_t>()[static_cast<size_t>(row)] == test.label(row)) continue;
      size = 1 - probabilities(output(row))[static_cast<size_t>(test.label(row))];
    } else {
      test.read_target(row, target.data());
      for (size_t c = 0; c < columns; ++c)
        size = std::hypot(size, double(output(row)[c]) - double(target[c]));
    }
    if (!std::isnan(size)) mistakes.push_back({size, row});
  }

  const auto* one_hot = dynamic_cast<const OneHot*>(&trainer.network()[0]);
  const Categories categories = one_hot ? one_hot->categories() : Categories();
  Json json = Json::array();
  for (const auto& [size, row] : worst(std::move(mistakes))) {
    Json one = {{"row", test.place(row)}};
    if (test.labels()) {
      const auto truth = static_cast<size_t>(test.label(row));
      const auto taken = static_cast<size_t>(classes.values<int32_t>()[static_cast<size_t>(row)]);
      const std::vector<double> shares = probabilities(output(row));
      one.update({{"truth", test.class_names()[truth]},
                  {"predicted", test.class_names()[taken]},
                  {"probability", shares[taken]},
                  {"probability_of_truth", shares[truth]}});
    } else {
      test.read_target(row, target.data());
      one.update({{"truth", target},
                  {"predicted", std::vector<float>(output(row).begin(), output(row).end())},
                  {"error", size}});
    }
    one["values"] =
        test.feature_shape().elements() <= most_values ? values_json(test, categories, row) : Json();
    json.push_back(std::move(one));
  }
  return json;
}

/// Runs steps of a copy of the network: the network itself stays as it is.
Json plan_json(Session& session) {
  const int64_t batch = std::min(session.fit().batch_size, session.parts().train.size());
  Sequential copy = session.network().clone();
  Trainer trainer(copy, session.settings(), session.context());
  Json plans = Json::array();
  for (Plan* plan : trainer.plans(batch)) {
    fill(*plan, copy.store(), std::max<int64_t>(1, session.parts().train.classes()));
    plans.push_back(to_json({"training step", batch, plan, plan->measure(batch)}, nullptr));
  }
  return {{"plans", std::move(plans)}};
}

/// The weights [in, units] of the first layer that has any, where it sees every pixel.
std::optional<Tensor> first_weights(const Sequential& network, int64_t pixels) {
  for (size_t i = 0; i < network.size(); ++i) {
    const std::string name = network.prefix(i) + ".weight";
    if (!network.store().contains(name)) continue;
    Tensor weights = network.store().get(name).converted(DType::f32);
    if (weights.shape().rank() != 2 || weights.shape().rows() != pixels) return std::nullopt;
    return weights;
  }
  return std::nullopt;
}

Json first_layer_json(const Tensor& weights, const Shape& image) {
  const auto values = weights.values<float>();
  const auto all = static_cast<size_t>(weights.shape().columns());
  const size_t units = std::min(all, static_cast<size_t>(most_units));
  Json json = {{"shape", std::vector<int64_t>(image.begin(), image.end())},
               {"units", Json::array()},
               {"all_units", all}};
  for (size_t unit = 0; unit < units; ++unit) {
    double largest = 0;
    for (size_t pixel = 0; pixel * all < values.size(); ++pixel)
      largest = std::max(largest, std::abs(double(values[pixel * all + unit])));
    std::vector<long> steps;
    for (size_t pixel = 0; pixel * all < values.size(); ++pixel)
      steps.push_back(largest > 0 ? std::lround(127 * (double(values[pixel * all + unit]) / largest)) : 0);
    json["units"].push_back({{"largest", largest}, {"values", steps}});
  }
  return json;
}

}  // namespace

void save_result(const RunDirectory& run, Session& session, const TrainingResult& result,
                 const Dataset& test) {
  Json json = to_json(*result.test, unknown_categories(test));
  json["best_epoch"] = result.best_epoch > 0 ? Json(result.best_epoch) : Json();
  json["findings"] = to_json(result)["findings"];
  const Shape shape = test.feature_shape();
  json["shape"] = std::vector<int64_t>(shape.begin(), shape.end());
  json["columns"] = test.column_names();
  json["targets"] = test.target_names();
  json["mistakes"] = mistakes_json(session.trainer(), test);
  save_json(json, run.evaluation());
  save_json(plan_json(session), run.plan());
  if (!has_images(test)) return;
  if (const auto weights = first_weights(session.network(), shape.elements()))
    save_json(first_layer_json(*weights, shape), run.first_layer());
}

}  // namespace plexus::cli

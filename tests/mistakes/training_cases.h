// Trainings as somebody would set them up, rightly or wrongly, and what the diagnosis finds in them.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "plexus/backends/registry.h"
#include "plexus/core/error.h"
#include "plexus/core/random.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/dropout.h"
#include "plexus/layers/flatten.h"
#include "plexus/layers/minmax.h"
#include "plexus/layers/one_hot.h"
#include "plexus/layers/standardize.h"
#include "plexus/trainer/diagnosis.h"
#include "plexus/trainer/split.h"
#include "plexus/trainer/target_scaling.h"
#include "plexus/trainer/training_diagnosis.h"
#include "trainer/example_data.h"

namespace plexus::test {

/// A training as somebody would set it up.
struct Case {
  Sequential network;
  Dataset train;
  TrainerOptions options = {};
  FitOptions fit = {.epochs = 20};
  std::optional<Dataset> test = {};
};

/// The ids of all that is found before the training and in it.
inline std::vector<std::string> found(Case setup) {
  std::vector<std::string> ids;
  for (const Finding& finding :
       diagnose(setup.network, setup.options, setup.train, setup.fit, setup.test ? &*setup.test : nullptr)) {
    ids.push_back(finding.id);
    EXPECT_FALSE(finding.message.empty() || finding.remedy.empty());
    EXPECT_EQ(to_string(finding).find('\n'), std::string::npos);
    if (finding.refused) return ids;
  }
  const Context context = make_context({.threads = 1, .sink = {}});
  Trainer trainer(setup.network, setup.options, context);
  TrainingDiagnosis diagnosis(setup.train, setup.options, context);
  setup.fit.callbacks.push_back(&diagnosis);
  try {
    trainer.fit(setup.train, setup.fit);
  } catch (const DataError&) {  // the loss is not finite any more
  }
  for (const Finding& finding : diagnosis.findings()) ids.push_back(finding.id);
  return ids;
}

/// Rows that are easily changed.
struct Rows {
  std::vector<std::vector<float>> x;
  std::vector<float> y;

  static Rows of(const Dataset& data) {
    Rows rows;
    for (int64_t row = 0; row < data.size(); ++row) {
      rows.x.emplace_back(size_t(data.feature_shape().elements()));
      data.read_features(row, rows.x.back().data());
      float target = 0;
      if (data.labels())
        target = float(data.label(row));
      else
        data.read_target(row, &target);
      rows.y.push_back(target);
    }
    return rows;
  }
  Rows& each(const std::function<void(size_t row, std::vector<float>& x, float& y)>& change) {
    for (size_t row = 0; row < x.size(); ++row) change(row, x[row], y[row]);
    return *this;
  }
  Tensor features() const {
    Tensor tensor(DType::f32, {int64_t(x.size()), int64_t(x[0].size())});
    for (size_t row = 0; row < x.size(); ++row)
      std::copy(x[row].begin(), x[row].end(), tensor.values<float>().data() + row * x[0].size());
    return tensor;
  }
  Dataset classes(int count) const {
    Tensor labels(DType::i32, {int64_t(y.size())});
    for (size_t row = 0; row < y.size(); ++row) labels.values<int32_t>()[row] = int32_t(y[row]);
    std::vector<std::string> names;
    for (int c = 0; c < count; ++c) names.push_back(std::to_string(c));
    return Dataset::classification(features(), labels, names);
  }
  Dataset real() const {
    return Dataset::regression(features(), Tensor::from<float>(y, {int64_t(y.size())}));
  }
};

inline double normal(uint64_t position, uint32_t stream = 9) {
  return RandomStream(3, Purpose::user, stream).normal(position);
}

inline Sequential usual(int64_t outputs) { return Sequential(Standardize(), Dense(32), Relu(), Dense(outputs)); }
inline TrainerOptions adam(float rate = 0.01f) { return {.optimizer = Adam{.learning_rate = rate}}; }
inline TrainerOptions regress(float rate = 0.01f) {
  return {.loss = Mse{}, .optimizer = Adam{.learning_rate = rate}};
}
inline Dense dense(int64_t units, Initializer weights) { return Dense(units, {.initializer = weights}); }

/// Two features, y = sin(3 a) + b^2, and a little noise.
inline Dataset curve(int64_t rows, uint64_t first = 0) {
  Rows result{std::vector<std::vector<float>>(size_t(rows)), std::vector<float>(size_t(rows))};
  result.each([&](size_t row, std::vector<float>& x, float& y) {
    const uint64_t i = 3 * (first + row);
    x = {float(normal(i)), float(normal(i + 1))};
    y = std::sin(3 * x[0]) + x[1] * x[1] + 0.05f * float(normal(i + 2));
  });
  return result.real();
}
/// Pictures of a bright bar in one of four places.
inline Dataset bars(int64_t rows) {
  Tensor images(DType::u8, {rows, 8, 8}), labels(DType::i32, {rows});
  const RandomStream noise(5, Purpose::user);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t p = 0; p < 64; ++p) {
      const bool bar = p / 8 / 2 == row % 4;
      const double value = p % 8 == 0 ? 0 : (bar ? 180 : 40) + 30 * noise.normal(uint64_t(row * 64 + p));
      images.values<uint8_t>()[size_t(row * 64 + p)] = uint8_t(std::clamp(value, 0.0, 255.0));
      labels.values<int32_t>()[size_t(row)] = int32_t(row % 4);
    }
  return Dataset::classification(images, labels, {"a", "b", "c", "d"});
}
inline Dataset unbalanced(size_t rare) {
  Rows rows = Rows::of(blobs(1000, 6, 2));
  std::vector<std::vector<float>> x;
  std::vector<float> y;
  for (size_t row = 0, kept = 0; row < 1000; ++row) {
    if (rows.y[row] == 1 && kept++ >= rare) continue;
    x.push_back(rows.x[row]);
    y.push_back(rows.y[row]);
  }
  return Rows{x, y}.classes(2);
}
inline Dataset sorted_blobs() {
  Rows rows = Rows::of(blobs(300, 4, 3)), result;
  for (int c = 0; c < 3; ++c)
    for (size_t row = 0; row < 300; ++row)
      if (rows.y[row] == float(c)) {
        result.x.push_back(rows.x[row]);
        result.y.push_back(rows.y[row]);
      }
  return result.classes(3);
}
inline Dataset random_labels(int64_t rows) {
  return Rows::of(blobs(rows, 8, 2))
      .each([](size_t row, std::vector<float>& x, float& y) {
        for (size_t c = 0; c < x.size(); ++c) x[c] = float(normal(8 * row + c));
        y = normal(row, 11) > 0;
      })
      .classes(2);
}
inline Sequential deep_sigmoid(int layers, int64_t outputs) {
  Sequential network{Standardize()};
  for (int i = 0; i < layers; ++i) {
    network.add(std::make_unique<Dense>(32));
    network.add(Sigmoid().clone());
  }
  network.add(std::make_unique<Dense>(outputs));
  return network;
}

inline std::string list(const std::vector<std::string>& ids) {
  std::string text;
  for (const std::string& id : ids) text += (text.empty() ? "" : ", ") + id;
  return text.empty() ? "nothing" : text;
}

}  // namespace plexus::test

// Small data sets made from random numbers.
#pragma once
#include <string>
#include <vector>

#include "plexus/core/random.h"
#include "plexus/trainer/dataset.h"

namespace plexus {

/// `rows` points around `classes` centres, row i of class i % classes; features roughly of unit size.
inline Dataset blobs(int64_t rows, int64_t columns, int64_t classes, uint64_t seed = 1) {
  const RandomStream noise(seed, Purpose::user), centre(7, Purpose::user, 1);
  Tensor features(DType::f32, {rows, columns}), labels(DType::i32, {rows});
  std::vector<std::string> names;
  for (int64_t c = 0; c < classes; ++c) names.push_back("class " + std::to_string(c));
  for (int64_t i = 0; i < rows; ++i) {
    const int64_t label = i % classes;
    labels.values<int32_t>()[size_t(i)] = int32_t(label);
    for (int64_t j = 0; j < columns; ++j)
      features.values<float>()[size_t(i * columns + j)] =
          float(1.5 * centre.normal(uint64_t(label * columns + j)) + 0.5 * noise.normal(uint64_t(i * columns + j)));
  }
  return Dataset::classification(std::move(features), std::move(labels), std::move(names));
}

/// y = 2 x0 - 3 x1 + 1 plus a little noise.
inline Dataset line(int64_t rows, uint64_t seed = 1) {
  const RandomStream random(seed, Purpose::user, 2);
  Tensor features(DType::f32, {rows, 2}), targets(DType::f32, {rows, 1});
  for (size_t i = 0; i < size_t(rows); ++i) {
    const float x0 = float(random.normal(3 * i)), x1 = float(random.normal(3 * i + 1));
    features.values<float>()[2 * i] = x0;
    features.values<float>()[2 * i + 1] = x1;
    targets.values<float>()[i] = 2 * x0 - 3 * x1 + 1 + 0.01f * float(random.normal(3 * i + 2));
  }
  return Dataset::regression(std::move(features), std::move(targets));
}

}  // namespace plexus

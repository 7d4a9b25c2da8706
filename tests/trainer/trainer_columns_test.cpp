// What a network learns of its columns before the first step: scales, categories, means.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "core/message.h"
#include "plexus/core/error.h"
#include "plexus/core/plan.h"
#include "plexus/core/random.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/impute.h"
#include "plexus/layers/one_hot.h"
#include "plexus/layers/minmax.h"
#include "plexus/layers/standardize.h"
#include "plexus/trainer/split.h"
#include "plexus/trainer/trainer.h"
#include "trainer/example_data.h"

namespace plexus {
namespace {

TEST(TrainerColumns, ScalerIsFittedOnTheTrainingPartOnly) {
  // All but the rows for validation have the feature 0 or 2; validation has 1000.
  const auto make = [](float far) {
    Tensor features(DType::f32, {20, 1}), targets(DType::f32, {20, 1});
    for (size_t i = 0; i < 20; ++i) features.values<float>()[i] = i % 2 ? 2.0f : 0.0f;
    const Dataset plain = Dataset::regression(features, targets);
    const Split parts = split(plain, {.test_fraction = 0.2, .seed = 4});
    for (int64_t i = 0; i < parts.test.size(); ++i)
      features.values<float>()[std::stoul(parts.test.place(i).substr(4))] = far;
    return Dataset::regression(features, targets);
  };
  const auto offset = [&](float far) {
    Sequential network(Standardize(), Dense(1));
    Trainer trainer(network, {.loss = Mse{}, .threads = 1});
    trainer.fit(make(far), {.validation_fraction = 0.2, .seed = 4});
    return network.store().get("input.mean");
  };
  EXPECT_EQ(offset(1000), offset(-5));
  EXPECT_LT(offset(1000).values<float>()[0], 2);
}

// What programs of predictions do to rows, training does while it reads them.
TEST(TrainerColumns, TrainsOnScaledRowsAsOnRowsScaledByHand) {
  const Dataset raw = blobs(70, 5, 3);
  for (const bool twice : {false, true}) {
    Sequential network{Standardize()};
    if (twice) network.add(std::make_unique<MinMax>());
    network.add(std::make_unique<Dense>(7));
    network.add(std::make_unique<Relu>());
    network.add(std::make_unique<Dense>(3));
    Trainer trainer(network, {.optimizer = Adam{.learning_rate = 0.05f}, .threads = 2, .accumulate = 2});
    trainer.fit(raw, {.epochs = 4, .batch_size = 16});

    Tensor features(DType::f32, {70, 5}), labels(DType::i32, {70});
    for (int64_t i = 0; i < 70; ++i) {
      float* const row = features.values<float>().data() + 5 * i;
      raw.read_features(i, row);
      const auto scale_by = [&](const char* offset_name, const char* scale_name) {
        const Tensor offset = network.store().get(offset_name), scale = network.store().get(scale_name);
        for (size_t j = 0; j < 5; ++j)
          row[j] = (row[j] - offset.values<float>()[j]) * scale.values<float>()[j];
      };
      scale_by("input.mean", "input.scale");
      if (twice) scale_by("input2.offset", "input2.scale");
      labels.values<int32_t>()[size_t(i)] = raw.label(i);
    }
    Sequential plain(Dense(7), Relu(), Dense(3));
    Trainer by_hand(plain, {.optimizer = Adam{.learning_rate = 0.05f}, .threads = 2, .accumulate = 2});
    by_hand.fit(Dataset::classification(features, labels, raw.class_names()), {.epochs = 4, .batch_size = 16});
    for (const char* name : {"0.weight", "0.bias", "2.weight", "2.bias"})
      EXPECT_EQ(network.store().get(name), plain.store().get(name)) << name;
    for (const Plan* plan : trainer.plans(16))
      EXPECT_EQ(plan->table().find("scale/"), std::string::npos) << plan->table();
  }
}

/// A row of numbers and categories a second: colours decide the class, sizes may be missing.
Dataset coloured(int64_t rows) {
  const std::vector<std::string> colours = {"red", "green", "blue"};
  Table table{.file = "shapes.csv", .columns = {}, .lines = {}};
  std::vector<double> size;
  std::vector<std::string> colour, kind;
  const RandomStream random(3, Purpose::user);
  for (int64_t row = 0; row < rows; ++row) {
    const size_t c = random.below(3, uint64_t(row));
    table.lines.push_back(row + 2);
    size.push_back(row % 7 == 3 ? std::nan("") : random.uniform(uint64_t(1000 + row)) * 10);
    colour.push_back(colours[c]);
    kind.push_back(c == 1 ? "leaf" : "other");
  }
  table.columns = {{"size", size}, {"colour", colour}, {"kind", kind}};
  return Dataset::from_table(table, {.missing = Missing::keep});
}

// The network sees what a table spread and filled in by hand holds.
TEST(TrainerColumns, TrainsOnCategoriesAndMissingValuesAsOnTheirNumbers) {
  const Dataset data = coloured(60);
  double mean = 0;
  int64_t there = 0;
  float row[2];
  for (int64_t i = 0; i < 60; ++i) {
    data.read_features(i, row);
    if (!std::isnan(row[0])) mean += (double(row[0]) - mean) / double(++there);
  }
  Tensor features(DType::f32, {60, 4}), labels(DType::i32, {60});
  for (int64_t i = 0; i < 60; ++i) {
    data.read_features(i, row);
    float* const out = features.values<float>().data() + 4 * i;
    out[0] = std::isnan(row[0]) ? float(mean) : row[0];
    out[1 + size_t(row[1])] = 1;  // blue, green, red
    labels.values<int32_t>()[size_t(i)] = data.label(i);
  }
  const Dataset spread = Dataset::classification(features, labels, data.class_names());

  for (const int threads : {1, 2}) {
    Sequential network(OneHot(), Impute(), Standardize(), Dense(5), Relu(), Dense(2));
    Sequential plain(Standardize(), Dense(5), Relu(), Dense(2));
    Trainer trainer(network, {.optimizer = Adam{.learning_rate = 0.05f}, .threads = threads});
    Trainer plain_trainer(plain, {.optimizer = Adam{.learning_rate = 0.05f}, .threads = threads});
    trainer.fit(data, {.epochs = 30, .batch_size = 16});
    plain_trainer.fit(spread, {.epochs = 30, .batch_size = 16});
    for (const char* name : {"input.mean", "input.scale", "0.weight", "0.bias", "2.weight", "2.bias"})
      EXPECT_EQ(network.store().get(name), plain.store().get(name)) << name;
    EXPECT_EQ(trainer.predict(data), plain_trainer.predict(spread));
    EXPECT_EQ(trainer.evaluate(data).accuracy, 1);
    EXPECT_EQ(network.schema().columns, (std::vector<std::string>{"size", "colour"}));
    EXPECT_EQ(network.schema().classes, (std::vector<std::string>{"leaf", "other"}));
    EXPECT_EQ(network.schema().targets, std::vector<std::string>{"kind"});

    // The same as raw rows of numbers: 1 is green, what no category has is none.
    const Tensor raw = Tensor::from<float>({float(mean), 1, std::nanf(""), 1, 4, 7, 4, -1}, {4, 2});
    const Tensor y = trainer.predict(raw);
    for (size_t c = 0; c < 2; ++c) {
      EXPECT_EQ(y.values<float>()[c], y.values<float>()[2 + c]);
      EXPECT_EQ(y.values<float>()[4 + c], y.values<float>()[6 + c]);
    }
    EXPECT_EQ(plain_trainer.predict(Tensor::from<float>({float(mean), 0, 1, 0, 4, 0, 0, 0}, {2, 4}))
                  .values<float>()[2],
              y.values<float>()[4]);
  }
}

TEST(TrainerColumns, CategoriesAndMeansComeFromTheTrainingPartOnly) {
  const Dataset data = coloured(60);
  Sequential network(OneHot(), Impute(), Dense(2));
  Trainer trainer(network, {.threads = 1});
  std::vector<int64_t> rows, others;
  for (int64_t i = 0; i < 60; ++i) {  // red in the other part alone
    float row[2];
    data.read_features(i, row);
    (row[1] == 2 ? others : rows).push_back(i);
  }
  trainer.fit(data.subset(rows), {.validation = data.subset(others)});
  EXPECT_EQ(dynamic_cast<const OneHot&>(network[0]).categories(), (Categories{{}, {"blue", "green"}}));
  EXPECT_EQ(network.program_shape(), Shape{3});
  double mean = 0;
  int64_t there = 0;
  for (const int64_t i : rows) {
    float row[2];
    data.read_features(i, row);
    if (!std::isnan(row[0])) mean += (double(row[0]) - mean) / double(++there);
  }
  const Tensor means = network.store().get("impute.mean");
  EXPECT_EQ(means.values<float>()[0], float(mean));
  const Dataset red = data.subset(others).with_categories({{}, {"blue", "green"}});
  EXPECT_EQ(red.unknown_categories(), (std::vector<int64_t>{0, int64_t(others.size())}));
  EXPECT_EQ(trainer.predict(red), trainer.predict(data.subset(others)));
}

TEST(TrainerColumns, TextNeedsOneHot) {
  const Dataset data = coloured(20);
  Sequential network(Impute(), Dense(2));
  Trainer trainer(network, {.threads = 1});
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "which needs a network that begins with OneHot()",
                      message<DataError>([&] { trainer.fit(data); }));
  EXPECT_FALSE(network.built());
  Sequential spread(OneHot(), Dense(2));
  Trainer no_means(spread, {.threads = 1});
  EXPECT_EQ(message<DataError>([&] { no_means.fit(data); }),
            "features: column 'size' is NaN in shapes.csv: line 5 and 2 more: remove such rows or fill the "
            "values in");
  EXPECT_FALSE(spread.built());
  EXPECT_FALSE(dynamic_cast<const OneHot&>(spread[0]).learnt());
}

}  // namespace
}  // namespace plexus

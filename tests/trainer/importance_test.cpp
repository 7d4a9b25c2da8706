#include "plexus/trainer/importance.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "plexus/core/error.h"
#include "plexus/core/random.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/standardize.h"
#include "core/message.h"

namespace plexus {
namespace {

/// 50 columns, of which five, 3, 14, 15, 27 and 41, decide.
Dataset planted(int64_t rows, uint64_t seed, bool classes) {
  const RandomStream random(seed, Purpose::user);
  constexpr int64_t columns = 50;
  std::vector<float> values(size_t(rows * columns)), targets;
  std::vector<int32_t> labels;
  for (size_t i = 0; i < values.size(); ++i) values[i] = float(random.normal(i));
  for (int64_t row = 0; row < rows; ++row) {
    const float* x = values.data() + row * columns;
    const float score =
        1.5f * x[3] - 1.2f * x[14] + x[15] * (x[27] > 0 ? 1.5f : -1.0f) + 0.9f * x[27] + 1.1f * x[41];
    labels.push_back(score > 0);
    targets.push_back(score);
  }
  Tensor features = Tensor::from(std::span<const float>(values), {rows, columns});
  if (!classes) return Dataset::regression(features, Tensor::from(std::span<const float>(targets), {rows}));
  return Dataset::classification(features, Tensor::from(std::span<const int32_t>(labels), {rows}),
                                 {"no", "yes"});
}

TEST(PermutationImportance, FindsThePlantedColumns) {
  for (const bool classes : {true, false}) {
    const Dataset train = planted(1500, 1, classes), test = planted(500, 2, classes);
    Sequential network(Standardize(), Dense(24), Relu(), Dense(classes ? 2 : 1));
    Trainer trainer(network, {.loss = classes ? Loss(SoftmaxCrossEntropy{}) : Loss(Mse{}),
                              .optimizer = Adam{.learning_rate = 0.005f}});
    trainer.fit(train, {.epochs = 15});
    const std::vector<Importance> found = permutation_importance(trainer, test, {.repeats = 5});
    ASSERT_EQ(found.size(), 50u);
    std::set<int64_t> first;
    for (size_t i = 0; i < 5; ++i) {
      first.insert(found[i].column);
      EXPECT_GT(found[i].interval.low, 0);  // more than chance
      EXPECT_LE(found[i].interval.low, found[i].mean);
      EXPECT_GE(found[i].interval.high, found[i].mean);
    }
    EXPECT_EQ(first, (std::set<int64_t>{3, 14, 15, 27, 41}));
    EXPECT_TRUE(std::is_sorted(found.begin(), found.end(),
                               [](const Importance& a, const Importance& b) { return a.mean > b.mean; }));
    EXPECT_EQ(found[0].name, "column " + std::to_string(found[0].column));
    // The same seed, the same deal; and the data are as they were.
    const std::vector<Importance> again = permutation_importance(trainer, test, {.repeats = 5});
    for (size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i].mean, again[i].mean);
  }
}

// A network that looks at one column: what is left of its accuracy when that one is dealt anew is what chance
// gives.
TEST(PermutationImportance, IsTheFallOfTheScore) {
  std::vector<float> values;
  std::vector<int32_t> labels;
  for (int i = 0; i < 400; ++i) {
    values.push_back(float(i % 2) - 0.5f);
    values.push_back(float(i % 7));
    labels.push_back(i % 2);
  }
  const Dataset data =
      Dataset::classification(Tensor::from(std::span<const float>(values), {400, 2}),
                              Tensor::from(std::span<const int32_t>(labels), {400}), {"0", "1"});
  Sequential network{Dense(2)};
  network.build(Shape{2});
  network.store().set("0.weight", Tensor::from<float>({-1, 1, 0, 0}, {2, 2}));
  Trainer trainer(network, {});
  const std::vector<Importance> found = permutation_importance(trainer, data, {.repeats = 20});
  EXPECT_EQ(found[0].column, 0);
  EXPECT_NEAR(found[0].mean, 0.5, 0.03);  // the mean of 20 shares of 400, each with a deviation of 0.025
  EXPECT_EQ(found[1].mean, 0);
  EXPECT_EQ(message<ArgumentError>([&] { permutation_importance(trainer, data, {.repeats = 1}); }),
            "permutation_importance: 1 repeats: choose 2 or more, so that there is an interval");
}

}  // namespace
}  // namespace plexus

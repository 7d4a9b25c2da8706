#include "plexus/trainer/split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "plexus/core/error.h"
#include "plexus/core/random.h"
#include "trainer/example_data.h"
#include "core/message.h"

namespace plexus {
namespace {

/// Features of row i are [i], classes as given.
Dataset numbered(const std::vector<int32_t>& labels, int32_t classes) {
  Tensor features(DType::f32, {int64_t(labels.size()), 1});
  std::iota(features.values<float>().begin(), features.values<float>().end(), 0.0f);
  std::vector<std::string> names;
  for (int32_t c = 0; c < classes; ++c) names.push_back(std::to_string(c));
  return Dataset::classification(std::move(features), Tensor::from<int32_t>(labels, {int64_t(labels.size())}),
                                 names);
}

std::vector<int64_t> rows_of(const Dataset& data) {
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < data.size(); ++i) {
    float row = 0;
    data.read_features(i, &row);
    rows.push_back(int64_t(row));
  }
  return rows;
}

std::map<int32_t, int64_t> class_counts(const Dataset& data) {
  std::map<int32_t, int64_t> counts;
  for (int64_t i = 0; i < data.size(); ++i) ++counts[data.label(i)];
  return counts;
}

TEST(Split, EveryRowIsOnOneSide) {
  for (const bool stratified : {true, false})
    for (const double fraction : {0.01, 0.2, 0.5, 0.99}) {
      std::vector<int32_t> labels;
      for (int i = 0; i < 101; ++i) labels.push_back(i % 3);
      const Split parts =
          split(numbered(labels, 3), {.test_fraction = fraction, .seed = 5, .stratified = stratified});
      std::vector<int64_t> rows = rows_of(parts.train), test = rows_of(parts.test);
      EXPECT_FALSE(rows.empty());
      EXPECT_FALSE(test.empty());
      rows.insert(rows.end(), test.begin(), test.end());
      std::sort(rows.begin(), rows.end());
      ASSERT_EQ(rows.size(), 101u);
      for (int64_t i = 0; i < 101; ++i) ASSERT_EQ(rows[size_t(i)], i);
      if (!stratified) {
        EXPECT_EQ(int64_t(test.size()), std::llround(101 * fraction));
      }
    }
}

TEST(Split, ClassesKeepTheirShares) {
  std::vector<int32_t> labels(100, 0);
  std::fill(labels.begin() + 80, labels.begin() + 97, 1);
  std::fill(labels.begin() + 97, labels.begin() + 99, 2);
  labels[99] = 3;
  const Split parts = split(numbered(labels, 4), {.test_fraction = 0.2, .seed = 3});
  // 80 and 17 rows give a fifth; of two rows each side gets one; a single row is for training.
  EXPECT_EQ(class_counts(parts.test), (std::map<int32_t, int64_t>{{0, 16}, {1, 3}, {2, 1}}));
  EXPECT_EQ(class_counts(parts.train), (std::map<int32_t, int64_t>{{0, 64}, {1, 14}, {2, 1}, {3, 1}}));
}

TEST(Split, SingleRowsOfEveryClassStillGiveTwoSides) {
  const Split parts = split(numbered({0, 1, 2, 3, 4}, 5), {.test_fraction = 0.2});
  EXPECT_EQ(parts.train.size(), 4);
  EXPECT_EQ(parts.test.size(), 1);
}

TEST(Split, IsAFunctionOfTheSeed) {
  const Dataset data = blobs(60, 1, 3);
  const auto test_labels = [&](uint64_t seed) {
    const Split parts = split(data, {.seed = seed});
    std::vector<std::string> places;
    for (int64_t i = 0; i < parts.test.size(); ++i) places.push_back(parts.test.place(i));
    return places;
  };
  EXPECT_EQ(test_labels(1), test_labels(1));
  EXPECT_NE(test_labels(1), test_labels(2));
}

TEST(Split, MixesTheOrder) {
  std::vector<int32_t> labels(100, 0);
  std::fill(labels.begin() + 50, labels.end(), 1);
  const std::vector<int64_t> train = rows_of(split(numbered(labels, 2), {}).train);
  EXPECT_FALSE(std::is_sorted(train.begin(), train.end()));
}

TEST(Split, RefusesWhatCannotBeSplit) {
  const Dataset data = numbered({0, 1, 0}, 2);
  for (const double fraction : {0.0, 1.0, -0.5, 1.5})
    EXPECT_EQ(message<ArgumentError>([&] { split(data, {.test_fraction = fraction}); }),
              "split: test fraction " + std::to_string(fraction) + ": choose one between 0 and 1");
  EXPECT_THROW(split(data, {.test_fraction = std::nan("")}), ArgumentError);
  EXPECT_EQ(message<DataError>([&] { split(data.subset({0})); }),
            "split: 1 row: at least two are needed, one on each side");
}

TEST(KFold, EveryRowIsTestedOnceAndTrainedOnOtherwise) {
  for (const bool stratified : {true, false})
    for (const int64_t folds : {2, 5, 7, 23}) {
      std::vector<int32_t> labels;
      for (int i = 0; i < 23; ++i) labels.push_back(i < 12 ? 0 : i < 20 ? 1 : 2);
      const Dataset data = numbered(labels, 3);
      const std::vector<Split> splits = k_fold(data, {.folds = folds, .seed = 5, .stratified = stratified});
      ASSERT_EQ(int64_t(splits.size()), folds);
      std::vector<int64_t> tested;
      for (const Split& part : splits) {
        const std::vector<int64_t> test = rows_of(part.test), train = rows_of(part.train);
        tested.insert(tested.end(), test.begin(), test.end());
        EXPECT_TRUE(int64_t(test.size()) == 23 / folds || int64_t(test.size()) == (23 + folds - 1) / folds);
        std::set<int64_t> all(train.begin(), train.end());
        all.insert(test.begin(), test.end());
        EXPECT_EQ(all.size(), 23u);
        EXPECT_EQ(train.size() + test.size(), 23u);
      }
      std::sort(tested.begin(), tested.end());
      for (int64_t i = 0; i < 23; ++i) ASSERT_EQ(tested[size_t(i)], i);
    }
}

TEST(KFold, ClassesKeepTheirShares) {
  std::vector<int32_t> labels(100, 0);
  std::fill(labels.begin() + 70, labels.begin() + 97, 1);
  std::fill(labels.begin() + 97, labels.end(), 2);
  for (const Split& part : k_fold(numbered(labels, 3), {.folds = 5, .seed = 2})) {
    auto counts = class_counts(part.test);
    EXPECT_EQ(counts[0], 14);
    EXPECT_TRUE(counts[1] == 5 || counts[1] == 6) << counts[1];
    EXPECT_LE(counts[2], 1);
    EXPECT_EQ(part.test.size(), 20);
  }
}

TEST(KFold, IsAFunctionOfTheSeedAndMixes) {
  const Dataset data = numbered(std::vector<int32_t>(50, 0), 1);
  const auto first = [&](uint64_t seed) { return rows_of(k_fold(data, {.seed = seed})[0].test); };
  EXPECT_EQ(first(1), first(1));
  EXPECT_NE(first(1), first(2));
  EXPECT_FALSE(std::is_sorted(first(1).begin(), first(1).end()));
}

TEST(KFold, RefusesWhatCannotBeDealt) {
  const Dataset data = numbered({0, 1, 0}, 2);
  EXPECT_EQ(message<ArgumentError>([&] { k_fold(data, {.folds = 1}); }), "k_fold: 1 folds: choose 2 or more");
  EXPECT_EQ(message<DataError>([&] { k_fold(data, {.folds = 4}); }),
            "k_fold: 3 rows for 4 folds: at least one row a fold is needed");
}

TEST(Shuffle, IsAPermutationAndAFunctionOfSeedAndEpoch) {
  for (const int64_t n : {0, 1, 2, 1000}) {
    std::vector<int64_t> order = shuffled(n, 9, 4);
    EXPECT_EQ(order, shuffled(n, 9, 4));
    std::sort(order.begin(), order.end());
    for (int64_t i = 0; i < n; ++i) ASSERT_EQ(order[size_t(i)], i);
  }
  EXPECT_NE(shuffled(1000, 9, 4), shuffled(1000, 9, 5));
  EXPECT_NE(shuffled(1000, 9, 4), shuffled(1000, 8, 4));
  EXPECT_EQ(message<ArgumentError>([] { shuffled(-1, 0, 0); }),
            "shuffled: -1 rows: give a count of 0 or more");
}

// The orders that a seed stands for are part of what makes a run repeatable.
TEST(Shuffle, DrawsOnePositionAfterTheOther) {
  const RandomStream random(9, Purpose::shuffle, 0, 4);
  for (const size_t n : {2, 3, 4, 5, 6, 7, 8, 9, 10, 1000}) {
    std::vector<int64_t> order(n);
    std::iota(order.begin(), order.end(), int64_t{0});
    for (size_t i = n; i > 1; --i) std::swap(order[i - 1], order[random.below(i, i)]);
    EXPECT_EQ(shuffled(int64_t(n), 9, 4), order) << n;
  }
}

TEST(Shuffle, AllOrdersAreEquallyLikely) {
  std::map<std::vector<int64_t>, double> counts;
  const int epochs = 24000;
  for (int epoch = 0; epoch < epochs; ++epoch) ++counts[shuffled(4, 1, epoch)];
  ASSERT_EQ(counts.size(), 24u);
  double chi_square = 0;
  for (const auto& [order, count] : counts)
    chi_square += (count - epochs / 24.0) * (count - epochs / 24.0) / (epochs / 24.0);
  EXPECT_LT(chi_square, 62.0);  // 23 degrees of freedom: exceeded by chance once in 50 000
}

}  // namespace
}  // namespace plexus

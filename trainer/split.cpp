#include "plexus/trainer/split.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "plexus/core/error.h"
#include "plexus/core/random.h"
#include "plexus/trainer/batches.h"

namespace plexus {
namespace {

/// Fisher and Yates' shuffle (Durstenfeld 1964): every permutation equally likely.
void permute(std::span<int64_t> order, const RandomStream& random) {
  std::iota(order.begin(), order.end(), int64_t{0});
  size_t i = order.size();
  for (; i > 4; i -= 4) {
    const std::array<uint64_t, 4> at = random.below_each({i, i - 1, i - 2, i - 3});
    for (size_t j = 0; j < 4; ++j) std::swap(order[i - 1 - j], order[at[j]]);
  }
  for (; i > 1; --i) std::swap(order[i - 1], order[random.below(i, i)]);
}

/// How many of `count` rows are for testing: none of a single row, else at least one, and never all.
int64_t quota(int64_t count, double fraction) {
  if (count < 2) return 0;
  return std::clamp<int64_t>(std::llround(static_cast<double>(count) * fraction), 1, count - 1);
}

/// Rows for testing from each class.
std::vector<int64_t> class_quotas(const Dataset& dataset, double fraction) {
  std::vector<int64_t> counts(static_cast<size_t>(dataset.classes()), 0);
  for (int64_t row = 0; row < dataset.size(); ++row) ++counts[static_cast<size_t>(dataset.label(row))];
  for (int64_t& count : counts) count = quota(count, fraction);
  return counts;
}

}  // namespace

void shuffle(std::span<int64_t> order, uint64_t seed, int64_t epoch) {
  permute(order, RandomStream(seed, Purpose::shuffle, 0, static_cast<uint32_t>(epoch)));
}

std::vector<int64_t> shuffled(int64_t n, uint64_t seed, int64_t epoch) {
  if (n < 0) throw ArgumentError("shuffled: " + std::to_string(n) + " rows: give a count of 0 or more");
  std::vector<int64_t> order(static_cast<size_t>(n));
  shuffle(order, seed, epoch);
  return order;
}

Split split(const Dataset& dataset, const SplitOptions& options) {
  const double fraction = options.test_fraction;
  if (!(fraction > 0 && fraction < 1))
    throw ArgumentError("split: test fraction " + std::to_string(fraction) + ": choose one between 0 and 1");
  const int64_t rows = dataset.size();
  if (rows < 2)
    throw DataError("split: " + std::to_string(rows) + (rows == 1 ? " row" : " rows") +
                    ": at least two are needed, one on each side");

  bool stratified = options.stratified && dataset.classes() > 0;
  std::vector<int64_t> left;  // rows for testing, of each class or of all
  if (stratified) left = class_quotas(dataset, fraction);
  if (std::accumulate(left.begin(), left.end(), int64_t{0}) ==
      0) {  // every class has a single row: no shares to keep
    stratified = false;
    left = {quota(rows, fraction)};
  }

  std::vector<int64_t> order(static_cast<size_t>(rows)), train, test;
  permute(order, RandomStream(options.seed, Purpose::split));
  for (int64_t row : order) {
    int64_t& wanted = left[stratified ? static_cast<size_t>(dataset.label(row)) : 0];
    (wanted > 0 ? test : train).push_back(row);
    wanted -= wanted > 0;
  }
  return {dataset.subset(std::move(train)), dataset.subset(std::move(test))};
}

std::vector<Split> k_fold(const Dataset& dataset, const FoldOptions& options) {
  const int64_t rows = dataset.size();
  if (options.folds < 2)
    throw ArgumentError("k_fold: " + std::to_string(options.folds) + " folds: choose 2 or more");
  if (rows < options.folds)
    throw DataError("k_fold: " + std::to_string(rows) + (rows == 1 ? " row" : " rows") + " for " +
                    std::to_string(options.folds) + " folds: at least one row a fold is needed");

  std::vector<int64_t> order(static_cast<size_t>(rows));
  permute(order, RandomStream(options.seed, Purpose::split));
  // Class after class, dealt like cards: the next class goes on where the last one stopped.
  std::vector<int64_t> deck = order, fold(order.size());
  if (options.stratified && dataset.classes() > 0)
    std::stable_sort(deck.begin(), deck.end(),
                     [&](int64_t a, int64_t b) { return dataset.label(a) < dataset.label(b); });
  for (size_t i = 0; i < deck.size(); ++i)
    fold[static_cast<size_t>(deck[i])] = static_cast<int64_t>(i) % options.folds;

  std::vector<Split> splits;
  for (int64_t f = 0; f < options.folds; ++f) {
    std::vector<int64_t> train, test;
    for (const int64_t row : order) (fold[static_cast<size_t>(row)] == f ? test : train).push_back(row);
    splits.push_back({dataset.subset(std::move(train)), dataset.subset(std::move(test))});
  }
  return splits;
}

}  // namespace plexus

// Splits: rows for training and rows for testing; and the order of an epoch.
#pragma once
#include <cstdint>
#include <vector>

#include "plexus/export.h"
#include "plexus/trainer/dataset.h"

namespace plexus {

struct SplitOptions {
  double test_fraction = 0.2;    ///< in (0, 1)
  uint64_t seed = 0;
  bool stratified = true;        ///< classes keep their shares (classification only)
};
struct Split {
  Dataset train, test;
};
/// Shuffles and splits; a function of the seed. At least one row on each side (stratified: of every class with two rows
/// or more). Throws ArgumentError for a fraction outside (0, 1), DataError for fewer than two rows.
PLEXUS_EXPORT Split split(const Dataset& dataset, const SplitOptions& options = {});

struct FoldOptions {
  int64_t folds = 5;             ///< scikit-learn's default; at least 2
  uint64_t seed = 0;
  bool stratified = true;        ///< classes keep their shares (classification only)
};
/// Cross-validation: shuffles, deals the rows to the folds, and makes each of them the test part once. Every row is tested
/// once; the sizes of folds, and of each class in them, differ by one at most. A function of the seed.
/// Throws ArgumentError for fewer than 2 folds, DataError for fewer rows than folds.
PLEXUS_EXPORT std::vector<Split> k_fold(const Dataset& dataset, const FoldOptions& options = {});

/// The order of epoch `epoch`: a permutation of 0..n-1, a function of (seed, epoch) alone.
PLEXUS_EXPORT std::vector<int64_t> shuffled(int64_t n, uint64_t seed, int64_t epoch);

}  // namespace plexus

// Scores of a classifier, and whether two of them differ. Marks are 1 or 0.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "plexus/export.h"

namespace plexus {

/// A 95 % confidence interval.
struct Interval {
  double low = 0, high = 0;
};
/// Wilson's score interval for `correct` of `total` (Wilson 1927), z = 1.959964. total = 0: [0, 1].
PLEXUS_EXPORT Interval wilson_interval(int64_t correct, int64_t total);

/// Of a sample of 2 or more: the root of the squares about their mean, by n - 1. Throws ArgumentError for fewer.
PLEXUS_EXPORT double standard_deviation(std::span<const double> values);

/// Of the mean of the distribution that `values` (2 or more) were drawn from, by Student's t. Throws ArgumentError for fewer.
PLEXUS_EXPORT Interval mean_interval(std::span<const double> values);

/// One class against all others. Where nothing is divided by nothing: 0, as scikit-learn.
struct ClassScore {
  int64_t rows = 0;                ///< of this class
  int64_t predicted = 0;           ///< taken for it
  double precision = 0;            ///< of the predicted, the share that is right
  double recall = 0;               ///< of its rows, the share that was found
  double f1 = 0;                   ///< harmonic mean of both
};
/// From a confusion matrix, [true][predicted], K x K. Throws ArgumentError where it is not square.
PLEXUS_EXPORT std::vector<ClassScore> class_scores(std::span<const int64_t> confusion);

/// Area under the ROC curve: how likely a positive row scores above a negative one, ties count half (Mann, Whitney 1947;
/// scikit-learn's roc_auc_score). NaN where one of the two kinds is missing, or a score is NaN. O(n log n).
/// Throws ArgumentError where the lengths differ, as all that follow.
PLEXUS_EXPORT double roc_auc(std::span<const double> scores, std::span<const uint8_t> positive);

/// The curve itself, from (0, 0) to (1, 1): a point for every distinct score, highest first.
struct RocPoint {
  double threshold = 0;            ///< rows that score this or more are called positive; infinity at (0, 0)
  double false_positive_rate = 0, true_positive_rate = 0;
};
PLEXUS_EXPORT std::vector<RocPoint> roc_curve(std::span<const double> scores, std::span<const uint8_t> positive);

/// How well confidences can be taken at their word.
struct Calibration {
  struct Bin {
    int64_t rows = 0;
    double confidence = 0;         ///< mean over its rows; 0 without rows
    double accuracy = 0;           ///< share of its rows that are right; 0 without rows
  };
  std::vector<Bin> bins;           ///< of equal width over [0, 1]
  double error = 0;                ///< expected calibration error: mean over all rows of |confidence - accuracy| of their bin
};
/// `confidence`: the probability given to the predicted class; `right`: whether it was the true one.
/// Default of bins: 15 (Guo et al. 2017). Throws ArgumentError for a confidence outside [0, 1], NaN included.
PLEXUS_EXPORT Calibration calibrate(std::span<const double> confidence, std::span<const uint8_t> right, int64_t bins = 15);

/// Two classifiers on the same rows.
struct Comparison {
  int64_t rows = 0;
  int64_t both = 0, only_first = 0, only_second = 0, neither = 0;  ///< rows that were right
  double difference = 0;           ///< accuracy of the first minus that of the second
  Interval interval;               ///< of the difference, 95 %: Newcombe 1998, paired, method 10
  double p = 1;                    ///< that as unequal a split or more is chance: McNemar's test, exact and two-sided
};
PLEXUS_EXPORT Comparison compare_classifiers(std::span<const uint8_t> first_right, std::span<const uint8_t> second_right);

}  // namespace plexus

#include "plexus/trainer/scores.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "plexus/core/error.h"
#include "core/message.h"

namespace plexus {
namespace {

using Marks = std::vector<uint8_t>;

// Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3: four digits.
TEST(WilsonInterval, AgreesWithPublishedValues) {
  const struct {
    int64_t correct, total;
    double low, high;
  } published[] = {
      {81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718}};
  for (const auto& [correct, total, low, high] : published) {
    const Interval interval = wilson_interval(correct, total);
    EXPECT_NEAR(interval.low, low, 0.00005) << correct << " of " << total;
    EXPECT_NEAR(interval.high, high, 0.00005) << correct << " of " << total;
    const Interval mirrored = wilson_interval(total - correct, total);
    EXPECT_NEAR(mirrored.low, 1 - interval.high, 1e-12);
    EXPECT_NEAR(mirrored.high, 1 - interval.low, 1e-12);
  }
}

TEST(WilsonInterval, EndsAreExact) {
  EXPECT_EQ(wilson_interval(0, 7).low, 0);
  EXPECT_EQ(wilson_interval(7, 7).high, 1);
  EXPECT_EQ(wilson_interval(0, 0).low, 0);
  EXPECT_EQ(wilson_interval(0, 0).high, 1);
  EXPECT_EQ(message<ArgumentError>([] { wilson_interval(3, 2); }),
            "wilson_interval: 3 of 2: give a part and a whole");
}

// Quantiles of t from the distribution itself: the density integrated by Simpson's rule.
TEST(MeanInterval, UsesStudentsT) {
  for (const size_t count : {2u, 3u, 11u, 21u, 22u, 40u, 200u}) {
    std::vector<double> values(count, 0.0);
    for (size_t i = 0; i < count; ++i) values[i] = i % 2 ? 1.5 : double(i % 3);
    const Interval interval = mean_interval(values);
    double mean = 0, squares = 0;
    for (const double value : values) mean += value / double(count);
    for (const double value : values) squares += (value - mean) * (value - mean);
    const double error = std::sqrt(squares / double(count - 1) / double(count)), freedom = double(count - 1);
    EXPECT_NEAR((interval.low + interval.high) / 2, mean, 1e-12);
    const double t = (interval.high - mean) / error;
    const double scale = std::exp(std::lgamma((freedom + 1) / 2) - std::lgamma(freedom / 2)) /
                         std::sqrt(freedom * std::acos(-1.0));
    const auto density = [&](double x) { return scale * std::pow(1 + x * x / freedom, -(freedom + 1) / 2); };
    double area = 0;
    constexpr int pieces = 20000;
    for (int i = 0; i < pieces; ++i) {
      const double a = t * i / pieces, b = t * (i + 1) / pieces;
      area += (b - a) / 6 * (density(a) + 4 * density((a + b) / 2) + density(b));
    }
    EXPECT_NEAR(2 * area, 0.95, 5e-6) << count;
  }
  EXPECT_EQ(message<ArgumentError>([] { mean_interval(std::vector{1.0}); }),
            "mean_interval: 1 values: give 2 or more");
}

TEST(StandardDeviation, IsThatOfASample) {
  EXPECT_NEAR(standard_deviation(std::vector{2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0}), std::sqrt(32.0 / 7),
              1e-15);
  EXPECT_EQ(standard_deviation(std::vector{1e9, 1e9, 1e9}), 0);
  EXPECT_EQ(message<ArgumentError>([] { standard_deviation(std::vector{1.0}); }),
            "standard_deviation: 1 values: give 2 or more");
}

TEST(ClassScores, CountTheirClass) {
  const std::vector<int64_t> confusion = {3, 1, 0,  //
                                          2, 4, 0,  //
                                          0, 0, 0};
  const std::vector<ClassScore> scores = class_scores(confusion);
  ASSERT_EQ(scores.size(), 3u);
  EXPECT_EQ(scores[0].rows, 4);
  EXPECT_EQ(scores[0].predicted, 5);
  EXPECT_EQ(scores[0].precision, 3.0 / 5);
  EXPECT_EQ(scores[0].recall, 3.0 / 4);
  EXPECT_EQ(scores[0].f1, 6.0 / 9);
  EXPECT_EQ(scores[1].f1, 8.0 / 11);
  EXPECT_EQ(scores[2].precision, 0);  // never predicted, never there
  EXPECT_EQ(scores[2].recall, 0);
  EXPECT_EQ(scores[2].f1, 0);
  EXPECT_EQ(message<ArgumentError>([] { class_scores(std::vector<int64_t>(5)); }),
            "class_scores: 5 counts: give K x K");
}

// Against all pairs, with as few different scores as make ties, and many.
TEST(RocAuc, IsTheShareOfPairsWon) {
  std::mt19937 random(3);
  for (const int different : {1, 2, 5, 1000}) {
    std::vector<double> scores(80);
    Marks positive(80);
    for (size_t i = 0; i < 80; ++i) {
      scores[i] = static_cast<double>(random() % unsigned(different)) / 7;
      positive[i] = random() % 3 == 0;
    }
    double won = 0, pairs = 0;
    for (size_t i = 0; i < 80; ++i)
      for (size_t j = 0; j < 80; ++j)
        if (positive[i] && !positive[j])
          pairs += 1, won += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
    EXPECT_NEAR(roc_auc(scores, positive), won / pairs, 1e-12);
    // The area under the curve, by trapezia.
    const std::vector<RocPoint> curve = roc_curve(scores, positive);
    double area = 0;
    for (size_t i = 1; i < curve.size(); ++i)
      area += (curve[i].false_positive_rate - curve[i - 1].false_positive_rate) *
              (curve[i].true_positive_rate + curve[i - 1].true_positive_rate) / 2;
    EXPECT_NEAR(area, won / pairs, 1e-12);
    EXPECT_EQ(curve.front().threshold, std::numeric_limits<double>::infinity());
    EXPECT_EQ(curve.back().true_positive_rate, 1);
  }
}

TEST(RocAuc, IsNoNumberWhereThereIsNothingToRank) {
  const double nan = std::nan("");
  EXPECT_TRUE(std::isnan(roc_auc(std::vector{1.0, 2.0}, Marks{1, 1})));
  EXPECT_TRUE(std::isnan(roc_auc(std::vector{1.0, 2.0}, Marks{0, 0})));
  EXPECT_TRUE(std::isnan(roc_auc(std::vector<double>{}, Marks{})));
  EXPECT_TRUE(std::isnan(roc_auc(std::vector{1.0, nan}, Marks{0, 1})));
  EXPECT_EQ(message<ArgumentError>([] {
              roc_auc(std::vector{1.0}, Marks{0, 1});
            }),
            "roc_auc: 1 and 2 values: give one of each a row");
  EXPECT_EQ(message<ArgumentError>([] { roc_curve(std::vector{1.0}, Marks{1}); }),
            "roc_curve: it needs positive and negative rows, and scores that are no NaN");
}

TEST(Calibration, SortsIntoBins) {
  const std::vector<double> confidence = {0, 0.24, 0.25, 0.74, 1};
  const Calibration c = calibrate(confidence, Marks{0, 1, 1, 0, 1}, 4);
  ASSERT_EQ(c.bins.size(), 4u);
  EXPECT_EQ(c.bins[0].rows, 2);
  EXPECT_EQ(c.bins[0].confidence, 0.12);
  EXPECT_EQ(c.bins[0].accuracy, 0.5);
  EXPECT_EQ(c.bins[1].rows, 1);
  EXPECT_EQ(c.bins[2].accuracy, 0);
  EXPECT_EQ(c.bins[3].rows, 1);  // 1 is in the last bin, not behind it
  EXPECT_NEAR(c.error, (2 * 0.38 + 0.75 + 0.74 + 0) / 5, 1e-15);
  EXPECT_TRUE(std::isnan(calibrate({}, {}).error));
  EXPECT_EQ(message<ArgumentError>([] { calibrate(std::vector{1.5}, Marks{1}); }),
            "calibrate: a confidence of 1.500000: give probabilities");
  EXPECT_EQ(message<ArgumentError>([] { calibrate(std::vector{0.5}, Marks{1}, 0); }),
            "calibrate: 0 bins: choose 1 or more");
}

Comparison table(int64_t both, int64_t only_first, int64_t only_second, int64_t neither) {
  Marks first, second;
  const auto add = [&](int64_t count, uint8_t a, uint8_t b) {
    first.insert(first.end(), size_t(count), a);
    second.insert(second.end(), size_t(count), b);
  };
  add(both, 1, 1), add(only_first, 1, 0), add(only_second, 0, 1), add(neither, 0, 0);
  return compare_classifiers(first, second);
}

TEST(Comparison, TestsTheRowsThatOnlyOneHasRight) {
  const Comparison c = table(80, 8, 2, 10);
  EXPECT_EQ(c.rows, 100);
  EXPECT_EQ(c.both, 80);
  EXPECT_EQ(c.only_first, 8);
  EXPECT_EQ(c.only_second, 2);
  EXPECT_EQ(c.neither, 10);
  EXPECT_NEAR(c.difference, 0.06, 1e-15);
  EXPECT_NEAR(c.p, 2 * (1 + 10 + 45) / 1024.0, 1e-12);  // at most 2 of 10 throws, either way
  EXPECT_NEAR(table(1, 10, 10, 1).p, 1, 1e-12);
  EXPECT_EQ(table(5, 0, 0, 5).p, 1);
  EXPECT_EQ(compare_classifiers({}, {}).interval.low, -1);
  // The first and the second swapped.
  const Comparison mirrored = table(80, 2, 8, 10);
  EXPECT_NEAR(mirrored.interval.low, -c.interval.high, 1e-12);
  EXPECT_NEAR(mirrored.interval.high, -c.interval.low, 1e-12);
  EXPECT_NEAR(mirrored.p, c.p, 1e-15);
}

// Newcombe 1998, "Improved confidence intervals for the difference between binomial proportions based on
// paired data", method 10 for 36 rows both right, 12 and 2 only one, 0 neither.
TEST(Comparison, IntervalsAgreeWithPublishedValues) {
  const Comparison first = table(36, 12, 2, 0);
  EXPECT_NEAR(first.interval.low, 0.0569, 0.00005);
  EXPECT_NEAR(first.interval.high, 0.3404, 0.00005);
}

// How often intervals hold the truth, over accuracies and sample sizes: 95 % is what they claim. 20 000
// draws: the mean of coverages is known to 0.002 (two standard deviations).
TEST(Interval, CoversWhatItClaims) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> accuracy(0.6, 0.98);
  int64_t covered = 0, covered_difference = 0;
  constexpr int64_t draws = 20000;
  for (int64_t draw = 0; draw < draws; ++draw) {
    const double p = accuracy(random), only_first = 0.08, only_second = 0.05;
    const int64_t rows = 100 + static_cast<int64_t>(random() % 900);
    const int64_t right = std::binomial_distribution<int64_t>(rows, p)(random);
    const Interval interval = wilson_interval(right, rows);
    covered += interval.low <= p && p <= interval.high;

    std::discrete_distribution<int> cell{p - only_first, only_first, only_second, 1 - p - only_second};
    Marks first, second;
    if (p + only_second > 1) {
      ++covered_difference;  // no such table
      continue;
    }
    for (int64_t row = 0; row < rows; ++row) {
      const int where = cell(random);
      first.push_back(where <= 1);
      second.push_back(where == 0 || where == 2);
    }
    const Comparison c = compare_classifiers(first, second);
    covered_difference +=
        c.interval.low <= only_first - only_second && only_first - only_second <= c.interval.high;
  }
  for (const int64_t count : {covered, covered_difference}) {
    EXPECT_GE(static_cast<double>(count) / draws, 0.94);
    EXPECT_LE(static_cast<double>(count) / draws, 0.96);
  }
}

}  // namespace
}  // namespace plexus

#include "plexus/trainer/scores.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>
#include <string>

#include "plexus/core/error.h"

namespace plexus {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double normal_quantile = 1.959963984540054;  // 97.5 % of the normal distribution lie below

void require_equal(const char* caller, size_t first, size_t second) {
  if (first != second)
    throw ArgumentError(std::string(caller) + ": " + std::to_string(first) + " and " +
                        std::to_string(second) + " values: give one of each a row");
}

void require_two(const char* caller, std::span<const double> values) {
  if (values.size() < 2)
    throw ArgumentError(std::string(caller) + ": " + std::to_string(values.size()) +
                        " values: give 2 or more");
}

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// Row numbers, highest score first.
std::vector<size_t> ranked(std::span<const double> scores) {
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  return order;
}

bool holds_nan(std::span<const double> scores) {
  return std::any_of(scores.begin(), scores.end(), [](double score) { return std::isnan(score); });
}

/// The 97.5 % quantile of Student's t with so many degrees of freedom.
double t_quantile(size_t freedom) {
  // Abramowitz, Stegun 1964, table 26.10.
  constexpr double table[] = {12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646,
                              2.3060,  2.2622, 2.2281, 2.2010, 2.1788, 2.1604, 2.1448,
                              2.1314,  2.1199, 2.1098, 2.1009, 2.0930, 2.0860};
  if (freedom <= std::size(table)) return table[freedom - 1];
  // The same, 26.7.5: from the normal distribution's, in powers of 1 / freedom.
  const double z = normal_quantile, n = static_cast<double>(freedom);
  const double z3 = z * z * z, z5 = z3 * z * z, z7 = z5 * z * z;
  return z + (z3 + z) / (4 * n) + (5 * z5 + 16 * z3 + 3 * z) / (96 * n * n) +
         (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * n * n * n);
}

/// P(X <= k) for X of `n` throws of a fair coin.
double fair_tail(int64_t k, int64_t n) {
  const double count = static_cast<double>(n), total = std::lgamma(count + 1);
  double sum = 0;
  for (int64_t i = 0; i <= k; ++i) {
    const double heads = static_cast<double>(i);
    sum += std::exp(total - std::lgamma(heads + 1) - std::lgamma(count - heads + 1) - count * std::log(2.0));
  }
  return sum;
}

/// Newcombe 1998, "Improved confidence intervals for the difference between binomial proportions based on
/// paired data", method 10: the two Wilson intervals, joined with the correlation of the table.
Interval paired_interval(const Comparison& c) {
  if (c.rows == 0) return {-1, 1};
  const auto n = static_cast<double>(c.rows);
  const auto a = static_cast<double>(c.both), b = static_cast<double>(c.only_first),
             d = static_cast<double>(c.only_second), e = static_cast<double>(c.neither);
  const Interval first = wilson_interval(c.both + c.only_first, c.rows),
                 second = wilson_interval(c.both + c.only_second, c.rows);
  const double p1 = (a + b) / n, p2 = (a + d) / n;
  const double margins = (a + b) * (d + e) * (a + d) * (b + e);
  double agreement = a * e - b * d;
  if (agreement > 0) agreement = std::max(0.0, agreement - n / 2);
  const double phi = margins > 0 ? agreement / std::sqrt(margins) : 0;
  const auto join = [&](double x, double y) { return std::sqrt(x * x - 2 * phi * x * y + y * y); };
  return {p1 - p2 - join(p1 - first.low, second.high - p2), p1 - p2 + join(first.high - p1, p2 - second.low)};
}

}  // namespace

Interval wilson_interval(int64_t correct, int64_t total) {
  if (correct < 0 || correct > total)
    throw ArgumentError("wilson_interval: " + std::to_string(correct) + " of " + std::to_string(total) +
                        ": give a part and a whole");
  if (total == 0) return {0, 1};
  const double z = normal_quantile;
  const double n = static_cast<double>(total), p = static_cast<double>(correct) / n;
  const double shrink = 1 / (1 + z * z / n);
  const double centre = shrink * (p + z * z / (2 * n));
  const double half = shrink * z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  // Exactly 0 and 1 at the ends, where rounding would leave 1e-17 or 1 - 1e-16.
  return {correct == 0 ? 0 : centre - half, correct == total ? 1 : centre + half};
}

double standard_deviation(std::span<const double> values) {
  require_two("standard_deviation", values);
  const double mean = mean_of(values);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

Interval mean_interval(std::span<const double> values) {
  require_two("mean_interval", values);
  const double mean = mean_of(values);
  const double half = t_quantile(values.size() - 1) * standard_deviation(values) /
                      std::sqrt(static_cast<double>(values.size()));
  return {mean - half, mean + half};
}

std::vector<ClassScore> class_scores(std::span<const int64_t> confusion) {
  const auto classes = static_cast<size_t>(std::llround(std::sqrt(static_cast<double>(confusion.size()))));
  if (classes * classes != confusion.size())
    throw ArgumentError("class_scores: " + std::to_string(confusion.size()) + " counts: give K x K");
  const auto share = [](int64_t part, int64_t whole) {
    return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
  };
  std::vector<ClassScore> scores(classes);
  for (size_t c = 0; c < classes; ++c) {
    ClassScore& score = scores[c];
    for (size_t other = 0; other < classes; ++other) {
      score.rows += confusion[c * classes + other];
      score.predicted += confusion[other * classes + c];
    }
    const int64_t right = confusion[c * classes + c];
    score.precision = share(right, score.predicted);
    score.recall = share(right, score.rows);
    score.f1 = share(2 * right, score.predicted + score.rows);
  }
  return scores;
}

double roc_auc(std::span<const double> scores, std::span<const uint8_t> positive) {
  require_equal("roc_auc", scores.size(), positive.size());
  if (holds_nan(scores)) return NAN;
  const std::vector<size_t> order = ranked(scores);
  // Pairs won: of each run of equal scores, its positives against the negatives below it and half of those in
  // it.
  double negatives = 0, positives = 0, lost = 0;
  for (size_t first = 0, last; first < order.size(); first = last) {
    double in_run = 0;
    for (last = first; last < order.size() && scores[order[last]] == scores[order[first]]; ++last)
      in_run += positive[order[last]] != 0;
    const double others = static_cast<double>(last - first) - in_run;
    lost += in_run * (negatives + others / 2);
    positives += in_run;
    negatives += others;
  }
  return positives > 0 && negatives > 0 ? 1 - lost / (positives * negatives) : NAN;
}

std::vector<RocPoint> roc_curve(std::span<const double> scores, std::span<const uint8_t> positive) {
  require_equal("roc_curve", scores.size(), positive.size());
  const auto positives = static_cast<double>(
                 std::count_if(positive.begin(), positive.end(), [](uint8_t mark) { return mark != 0; })),
             negatives = static_cast<double>(positive.size()) - positives;
  if (positives == 0 || negatives == 0 || holds_nan(scores))
    throw ArgumentError("roc_curve: it needs positive and negative rows, and scores that are no NaN");
  std::vector<RocPoint> curve{{.threshold = infinity}};
  double right = 0, wrong = 0;
  const std::vector<size_t> order = ranked(scores);
  for (size_t i = 0; i < order.size(); ++i) {
    (positive[order[i]] ? right : wrong) += 1;
    if (i + 1 == order.size() || scores[order[i + 1]] < scores[order[i]])
      curve.push_back({scores[order[i]], wrong / negatives, right / positives});
  }
  return curve;
}

Calibration calibrate(std::span<const double> confidence, std::span<const uint8_t> right, int64_t bins) {
  require_equal("calibrate", confidence.size(), right.size());
  if (bins < 1) throw ArgumentError("calibrate: " + std::to_string(bins) + " bins: choose 1 or more");
  Calibration result;
  result.bins.resize(static_cast<size_t>(bins));
  for (size_t i = 0; i < confidence.size(); ++i) {
    const double p = confidence[i];
    if (!(p >= 0 && p <= 1))
      throw ArgumentError("calibrate: a confidence of " + std::to_string(p) + ": give probabilities");
    // A bin holds its lower edge; 1 belongs to the last.
    Calibration::Bin& bin = result.bins[static_cast<size_t>(
        std::min(bins - 1, static_cast<int64_t>(p * static_cast<double>(bins))))];
    ++bin.rows;
    bin.confidence += p;
    bin.accuracy += right[i] != 0;
  }
  double sum = 0;
  for (Calibration::Bin& bin : result.bins) {
    sum += std::abs(bin.confidence - bin.accuracy);
    if (bin.rows == 0) continue;
    bin.confidence /= static_cast<double>(bin.rows);
    bin.accuracy /= static_cast<double>(bin.rows);
  }
  result.error = confidence.empty() ? NAN : sum / static_cast<double>(confidence.size());
  return result;
}

Comparison compare_classifiers(std::span<const uint8_t> first_right, std::span<const uint8_t> second_right) {
  require_equal("compare_classifiers", first_right.size(), second_right.size());
  Comparison c;
  c.rows = static_cast<int64_t>(first_right.size());
  for (size_t i = 0; i < first_right.size(); ++i)
    ++(first_right[i] ? (second_right[i] ? c.both : c.only_first)
                      : (second_right[i] ? c.only_second : c.neither));
  if (c.rows > 0)
    c.difference = static_cast<double>(c.only_first - c.only_second) / static_cast<double>(c.rows);
  c.interval = paired_interval(c);
  c.p = std::min(1.0, 2 * fair_tail(std::min(c.only_first, c.only_second), c.only_first + c.only_second));
  return c;
}

}  // namespace plexus

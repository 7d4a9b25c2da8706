// The U test against published values and against counting every arrangement; the adjustment against the
// authors' example.
#include "plexus/cli/bench/mann_whitney.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace plexus::cli {
namespace {

using Values = std::vector<double>;

/// Nine values below nine others, but for `reversed` of the 81 pairs.
std::pair<Values, Values> nine(int reversed) {
  Values a, b;
  for (int i = 0; i < 9; ++i) a.push_back(0.1 * i), b.push_back(10 + i);
  for (int i = 8; reversed > 0; --i) {
    const int pairs = std::min(9, reversed);
    a[size_t(i)] = 9.5 + pairs + 0.01 * i;
    reversed -= pairs;
  }
  return {a, b};
}

double nine_p(int reversed) {
  const auto [a, b] = nine(reversed);
  return mann_whitney_greater(a, b);
}

// scipy.stats.mannwhitneyu(b, a, alternative='greater', method='exact'), SciPy 1.10.1
TEST(MannWhitney, AgreesWithSciPy) {
  EXPECT_DOUBLE_EQ(mann_whitney_greater(Values{19, 22, 16, 29, 24}, Values{20, 11, 17, 12}),
                   0.9682539682539684);
  EXPECT_DOUBLE_EQ(mann_whitney_greater(Values{20, 11, 17, 12}, Values{19, 22, 16, 29, 24}),
                   0.05555555555555555);
  EXPECT_DOUBLE_EQ(nine_p(0), 2.0567667626491154e-05);
  EXPECT_DOUBLE_EQ(nine_p(12), 0.005306458247634718);
  EXPECT_DOUBLE_EQ(nine_p(18), 0.025154257507198685);
}

// The tables of critical values of U for 9 against 9: 17 (two-sided 5 %), 11 (1 %), 21 (one-sided 5 %).
TEST(MannWhitney, AgreesWithTheTablesOfCriticalValues) {
  EXPECT_LE(2 * nine_p(17), 0.05);
  EXPECT_GT(2 * nine_p(18), 0.05);
  EXPECT_LE(2 * nine_p(11), 0.01);
  EXPECT_GT(2 * nine_p(12), 0.01);
  EXPECT_LE(nine_p(21), 0.05);
  EXPECT_GT(nine_p(22), 0.05);
}

/// Pairs in which b is larger, ties half.
double u(const Values& a, const Values& b) {
  double sum = 0;
  for (const double x : a)
    for (const double y : b) sum += y > x ? 1 : y == x ? 0.5 : 0;
  return sum;
}

/// The share of all ways to choose the values of b whose U is as large.
double by_counting(const Values& a, const Values& b) {
  Values all = a;
  all.insert(all.end(), b.begin(), b.end());
  std::vector<bool> in_b(all.size());
  std::fill(in_b.end() - long(b.size()), in_b.end(), true);
  double ways = 0, as_large = 0;
  const double observed = u(a, b);
  do {
    Values left, right;
    for (size_t i = 0; i < all.size(); ++i) (in_b[i] ? right : left).push_back(all[i]);
    ++ways;
    as_large += u(left, right) >= observed;
  } while (std::next_permutation(in_b.begin(), in_b.end()));
  return as_large / ways;
}

TEST(MannWhitney, TiesAreExactToo) {
  std::mt19937 random(1);
  for (int i = 0; i < 60; ++i) {
    Values a(2 + random() % 4), b(2 + random() % 4);
    for (double& value : a) value = double(random() % 5);
    for (double& value : b) value = double(random() % 5);
    EXPECT_NEAR(mann_whitney_greater(a, b), by_counting(a, b), 1e-12);
  }
}

TEST(MannWhitney, NothingToCompare) {
  EXPECT_EQ(mann_whitney_greater({}, Values{1, 2}), 1);
  EXPECT_EQ(mann_whitney_greater(Values{1, 2}, {}), 1);
  EXPECT_EQ(mann_whitney_greater(Values{3, 3}, Values{3, 3}), 1);
}

// The example of Benjamini and Hochberg (1995, section 4): of 15 p values the four smallest are significant
// at 5 %.
TEST(BenjaminiHochberg, ExampleOfTheAuthors) {
  const Values p = {0.0459, 0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298,
                    0.0344, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000};
  const Values adjusted = benjamini_hochberg(p);
  EXPECT_EQ(std::count_if(adjusted.begin(), adjusted.end(), [](double value) { return value <= 0.05; }), 4);
  EXPECT_DOUBLE_EQ(adjusted[1], 0.0001 * 15);
  EXPECT_DOUBLE_EQ(adjusted[4], 0.0095 * 15 / 4);
  EXPECT_DOUBLE_EQ(adjusted[0], 0.0459 * 15 / 9);
  EXPECT_DOUBLE_EQ(adjusted[5], 0.0201 * 15 / 5);
  EXPECT_DOUBLE_EQ(adjusted[6], 0.0298 * 15 / 7) << "a larger p value has no smaller adjusted one";
  EXPECT_DOUBLE_EQ(adjusted[14], 1.0);
}

TEST(BenjaminiHochberg, Nothing) { EXPECT_TRUE(benjamini_hochberg({}).empty()); }

}  // namespace
}  // namespace plexus::cli

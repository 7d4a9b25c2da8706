#include "plexus/core/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <vector>

#if __has_include(<Random123/philox.h>)
#include <Random123/philox.h>
#define PLEXUS_HAS_RANDOM123
#endif

namespace plexus {
namespace {

using Words = std::array<uint32_t, 4>;

struct KnownAnswer {
  Words counter;
  std::array<uint32_t, 2> key;
  Words expected;
};

/// Rows "philox4x32 10" of kat_vectors (all three) and of old_kat_vectors (one for every word of counter and
/// key), as distributed with Random123 1.14 (Debian: librandom123-doc).
constexpr KnownAnswer known_answers[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    {{1, 0, 0, 0}, {1, 0}, {0xac08141b, 0xdfc5ccbe, 0x79c07a47, 0xa7f66093}},
    {{0, 1, 0, 0}, {1, 0}, {0x833ff8dc, 0x225c963c, 0x232b88b3, 0x0b334b07}},
    {{0, 0, 1, 0}, {0, 1}, {0x7f6c13ff, 0x114b2447, 0x0550eced, 0xea1fc805}},
    {{0, 0, 0, 1}, {0, 0xffffffff}, {0x5c4ecd0c, 0x64c12cf9, 0x8f9fb4c8, 0x40c4a01f}},
};

TEST(PhiloxTest, KnownAnswers) {
  for (const KnownAnswer& row : known_answers) EXPECT_EQ(philox(row.counter, row.key), row.expected);
}

#ifdef PLEXUS_HAS_RANDOM123
TEST(PhiloxTest, AgreesWithRandom123) {
  r123::Philox4x32 theirs;
  uint64_t state = 1;
  const auto next = [&] {
    return uint32_t((state = state * 6364136223846793005u + 1442695040888963407u) >> 32);
  };
  for (int i = 0; i < 100000; i++) {
    const Words counter{next(), next(), next(), next()};
    const std::array<uint32_t, 2> key{next(), next()};
    const auto expected = theirs({{counter[0], counter[1], counter[2], counter[3]}}, {{key[0], key[1]}});
    ASSERT_EQ(philox(counter, key), (Words{expected[0], expected[1], expected[2], expected[3]})) << i;
  }
}
#endif

/// Pearson's statistic of counts that should be equal.
double chi_square(const std::vector<int>& counts, int draws) {
  const double expected = double(draws) / double(counts.size());
  double sum = 0;
  for (const int count : counts) sum += (count - expected) * (count - expected) / expected;
  return sum;
}

/// Beyond it lie about 3 of 10^5 statistics of this many bins: mean + 4 standard deviations. Seeds are fixed,
/// so a test that passes once passes always.
double chi_square_limit(size_t bins) { return double(bins - 1) + 4 * std::sqrt(2.0 * double(bins - 1)); }

/// The values are files' and users' memory: networks of a seed must not change with the version.
TEST(RandomStreamTest, CounterAndKeyAreFixed) {
  const uint64_t seed = 0x1122334455667788;
  const RandomStream stream(seed, Purpose::dropout, 5, 9);
  EXPECT_EQ(stream.block(0x0102030405060708),
            philox({0x05060708, 0x01020304, 9, 3u << 24 | 5}, {0x55667788, 0x11223344}));
  for (uint64_t position = 0; position < 20; position++)
    EXPECT_EQ(stream.bits(position), stream.block(position / 4)[position % 4]);
}

TEST(RandomStreamTest, StreamsAreDistinct) {
  std::set<Words> blocks;
  size_t streams = 0;
  for (const uint64_t seed : {0ull, 1ull, 1ull << 32})
    for (const Purpose purpose : {Purpose::initialize, Purpose::shuffle, Purpose::dropout, Purpose::split,
                                  Purpose::augment, Purpose::user})
      for (const uint32_t index : {0u, 1u, 0xffffffu})
        for (const uint32_t step : {0u, 1u, 0xffffffffu})
          for (const uint64_t block : {0ull, 1ull, 1ull << 32}) {
            blocks.insert(RandomStream(seed, purpose, index, step).block(block));
            streams++;
          }
  EXPECT_EQ(blocks.size(), streams);
}

TEST(RandomStreamTest, OrderOfCallsDoesNotMatter) {
  const RandomStream stream(3, Purpose::user);
  std::vector<double> forward, backward;
  for (uint64_t i = 0; i < 100; i++)
    forward.push_back(stream.normal(i) + stream.uniform(i) + double(stream.below(9, i)));
  for (uint64_t i = 100; i-- > 0;) {
    const RandomStream copy = stream;
    backward.push_back(copy.normal(i) + copy.uniform(i) + double(copy.below(9, i)));
  }
  std::ranges::reverse(backward);
  EXPECT_EQ(forward, backward);
}

TEST(RandomStreamTest, UniformIsUniform) {
  constexpr int draws = 100000, bins = 100;
  const RandomStream stream(7, Purpose::user);
  std::vector<int> counts(bins);
  for (int i = 0; i < draws; i++) {
    const float value = stream.uniform(uint64_t(i));
    ASSERT_GE(value, 0);
    ASSERT_LT(value, 1);
    ASSERT_EQ(double(value) * 0x1p24, std::floor(double(value) * 0x1p24));  // a multiple of 2^-24
    counts[size_t(value * bins)]++;
  }
  EXPECT_LT(chi_square(counts, draws), chi_square_limit(bins));
}

TEST(RandomStreamTest, NormalIsNormal) {
  constexpr int draws = 100000;
  const RandomStream stream(11, Purpose::user);
  std::vector<double> values;
  double moments[5] = {};
  for (int i = 0; i < draws; i++) {
    const double x = stream.normal(uint64_t(i));
    ASSERT_TRUE(std::isfinite(x));
    values.push_back(x);
    for (int power = 1; power <= 4; power++) moments[power] += std::pow(x, power) / draws;
  }
  // Four standard errors: the variances of x, x^2, x^3, x^4 are 1, 2, 15, 96.
  const double root = 4 / std::sqrt(double(draws));
  EXPECT_NEAR(moments[1], 0, root);
  EXPECT_NEAR(moments[2], 1, root * std::sqrt(2));
  EXPECT_NEAR(moments[3], 0, root * std::sqrt(15));
  EXPECT_NEAR(moments[4], 3, root * std::sqrt(96));
  // Kolmogorov and Smirnov: beyond 2 / sqrt(n) lie 7 of 10^4.
  std::ranges::sort(values);
  double distance = 0;
  for (int i = 0; i < draws; i++) {
    const double expected = std::erfc(-values[size_t(i)] / std::sqrt(2)) / 2;
    distance = std::max(
        {distance, std::abs(expected - double(i) / draws), std::abs(expected - double(i + 1) / draws)});
  }
  EXPECT_LT(distance, 2 / std::sqrt(double(draws)));
}

TEST(RandomStreamTest, BelowIsUniform) {
  constexpr int draws = 60000;
  const RandomStream stream(13, Purpose::user);
  for (const uint64_t bound : {2, 3, 7, 60, 1000}) {
    std::vector<int> counts(bound);
    for (int i = 0; i < draws; i++) {
      const uint64_t value = stream.below(bound, uint64_t(i));
      ASSERT_LT(value, bound);
      counts[value]++;
    }
    EXPECT_LT(chi_square(counts, draws), chi_square_limit(bound)) << bound;
  }
  for (uint64_t i = 0; i < 100; i++) EXPECT_EQ(stream.below(1, i), 0u);
}

/// A bound of 3 * 2^62 rejects a quarter of all draws, one of 2^63 + 1 half of them.
TEST(RandomStreamTest, BelowEachIsFourTimesBelow) {
  const RandomStream stream(23, Purpose::shuffle, 1, 5);
  for (const uint64_t base : {1ull, 60ull, 1ull << 32, (1ull << 33) - 2, (1ull << 63) + 1, 3ull << 62})
    for (uint64_t i = 0; i < 200; i++) {
      const std::array<uint64_t, 4> positions = {base + i, base + 7 * i, base, base + (i << 20)};
      const std::array<uint64_t, 4> values = stream.below_each(positions);
      for (size_t j = 0; j < 4; j++) ASSERT_EQ(values[j], stream.below(positions[j], positions[j])) << positions[j];
    }
}

/// Without rejection half of the values below 3 * 2^62 would be multiples of 3. A quarter of all draws is
/// rejected, one position in 16 twice, so that later blocks are met too.
TEST(RandomStreamTest, BelowHasNoBias) {
  constexpr int draws = 60000;
  constexpr uint64_t bound = 3ull << 62;
  const RandomStream stream(17, Purpose::user);
  std::vector<int> remainders(3), ranges(16);
  for (int i = 0; i < draws; i++) {
    const uint64_t value = stream.below(bound, uint64_t(i));
    ASSERT_LT(value, bound);
    ASSERT_EQ(value, stream.below(bound, uint64_t(i)));
    remainders[value % 3]++;
    ranges[value / (bound / 16)]++;
  }
  EXPECT_LT(chi_square(remainders, draws), chi_square_limit(3));
  EXPECT_LT(chi_square(ranges, draws), chi_square_limit(16));
}

/// What shuffling rests on: all orders of four, equally often.
TEST(RandomStreamTest, BelowShufflesFairly) {
  constexpr int draws = 24000;
  std::map<std::vector<int>, int> orders;
  for (int draw = 0; draw < draws; draw++) {
    const RandomStream stream(19, Purpose::shuffle, 0, uint32_t(draw));
    std::vector<int> order = {0, 1, 2, 3};
    for (uint64_t i = 3; i > 0; i--) std::swap(order[i], order[stream.below(i + 1, i)]);
    orders[order]++;
  }
  std::vector<int> counts;
  for (const auto& [order, count] : orders) counts.push_back(count);
  ASSERT_EQ(counts.size(), 24u);
  EXPECT_LT(chi_square(counts, draws), chi_square_limit(24));
}

}  // namespace
}  // namespace plexus

#include "plexus/core/random.h"

#include <cmath>
#include <numbers>

namespace plexus {
namespace {

/// The words as two 64-bit numbers.
std::array<uint64_t, 2> halves(const std::array<uint32_t, 4>& words) {
  return {uint64_t(words[0]) << 32 | words[1], uint64_t(words[2]) << 32 | words[3]};
}

}  // namespace

std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  // Multipliers and key increments of the paper: the latter are the golden ratio and sqrt(3) - 1.
  constexpr uint64_t multiplier0 = 0xD2511F53, multiplier1 = 0xCD9E8D57;
  constexpr uint32_t increment0 = 0x9E3779B9, increment1 = 0xBB67AE85;
  for (int round = 0; round < 10; round++) {
    const uint64_t product0 = multiplier0 * counter[0], product1 = multiplier1 * counter[2];
    counter = {uint32_t(product1 >> 32) ^ counter[1] ^ key[0], uint32_t(product1),
               uint32_t(product0 >> 32) ^ counter[3] ^ key[1], uint32_t(product0)};
    key = {key[0] + increment0, key[1] + increment1};
  }
  return counter;
}

double RandomStream::normal(uint64_t position) const {
  const auto [radius_bits, angle_bits] = halves(block(position));
  const double u = double((radius_bits >> 11) + 1) * 0x1p-53;  // in (0, 1]: the logarithm stays finite
  const double v = double(angle_bits >> 11) * 0x1p-53;
  return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
}

uint64_t RandomStream::below(uint64_t bound, uint64_t position) const {
  // x * bound / 2^64 is uniform over those x whose product's lower half is at least 2^64 mod bound (Lemire 2019): the
  // remainder is below bound, and is worked out only where the half is too.
  for (auto words = block(position);; words = philox(words, {uint32_t(seed_), uint32_t(seed_ >> 32)})) {
    for (const uint64_t x : halves(words)) {
      const unsigned __int128 product = static_cast<unsigned __int128>(x) * bound;
      const auto half = uint64_t(product);
      if (half >= bound || half >= -bound % bound) return uint64_t(product >> 64);
    }
  }
}

}  // namespace plexus

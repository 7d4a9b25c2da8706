#include "plexus/core/random.h"

#include <cmath>
#include <numbers>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace plexus {
namespace {

// Of the paper; the key increments are the golden ratio and sqrt(3) - 1.
constexpr uint64_t multiplier0 = 0xD2511F53, multiplier1 = 0xCD9E8D57;
constexpr uint32_t increment0 = 0x9E3779B9, increment1 = 0xBB67AE85;
constexpr int rounds = 10;

/// Four words, in registers: of arrays GCC makes vectors, and waits for them to come back from memory.
struct Words {
  uint32_t w0, w1, w2, w3;
  uint64_t first() const { return uint64_t(w0) << 32 | w1; }
  uint64_t second() const { return uint64_t(w2) << 32 | w3; }
};

inline Words philox_of(Words counter, uint32_t key0, uint32_t key1) {
  for (int round = 0; round < rounds; round++) {
    const uint64_t product0 = multiplier0 * counter.w0, product1 = multiplier1 * counter.w2;
    counter = {uint32_t(product1 >> 32) ^ counter.w1 ^ key0, uint32_t(product1),
               uint32_t(product0 >> 32) ^ counter.w3 ^ key1, uint32_t(product0)};
    key0 += increment0, key1 += increment1;
  }
  return counter;
}

/// A word of each of two counters, in the lower halves; the upper ones are anything.
using Pair = uint64_t __attribute__((vector_size(16)));

inline Pair both(uint64_t word) { return Pair{word, word}; }
/// Of the lower halves.
inline Pair product(Pair a, Pair b) {
#ifdef __SSE2__
  return Pair(_mm_mul_epu32(__m128i(a), __m128i(b)));  // GCC would multiply 64 bits by 64, with three of these
#else
  return (a & both(0xffffffff)) * (b & both(0xffffffff));
#endif
}

/// The first halves of the blocks at two times two counters.
inline void philox_first(const std::array<uint64_t, 4>& positions, uint64_t stream, uint64_t seed, std::array<uint64_t, 4>& first) {
  Pair w0[2], w1[2], w2[2], w3[2];
  for (int i = 0; i < 2; i++) {
    w0[i] = Pair{positions[size_t(2 * i)], positions[size_t(2 * i + 1)]};
    w1[i] = w0[i] >> 32;
    w2[i] = both(stream);
    w3[i] = both(stream >> 32);
  }
  auto key0 = uint32_t(seed), key1 = uint32_t(seed >> 32);
  for (int round = 0; round < rounds; round++) {
    for (int i = 0; i < 2; i++) {
      const Pair product0 = product(both(multiplier0), w0[i]), product1 = product(both(multiplier1), w2[i]);
      w0[i] = (product1 >> 32) ^ w1[i] ^ both(key0);
      w1[i] = product1;
      w2[i] = (product0 >> 32) ^ w3[i] ^ both(key1);
      w3[i] = product0;
    }
    key0 += increment0, key1 += increment1;
  }
  for (int i = 0; i < 2; i++) {
    const Pair words = w0[i] << 32 | (w1[i] & both(0xffffffff));
    first[size_t(2 * i)] = words[0], first[size_t(2 * i + 1)] = words[1];
  }
}

}  // namespace

std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  const Words words = philox_of({counter[0], counter[1], counter[2], counter[3]}, key[0], key[1]);
  return {words.w0, words.w1, words.w2, words.w3};
}

namespace {

/// x * bound / 2^64 is uniform over those x whose product's lower half is at least 2^64 mod bound (Lemire 2019): the remainder is
/// below bound, and is worked out only where the half is too. False: x is rejected.
inline bool scaled(uint64_t x, uint64_t bound, uint64_t& result) {
  const unsigned __int128 product = static_cast<unsigned __int128>(x) * bound;
  const auto half = uint64_t(product);
  result = uint64_t(product >> 64);
  return half >= bound || half >= -bound % bound;
}

}  // namespace

double RandomStream::normal(uint64_t position) const {
  const Words words = philox_of({uint32_t(position), uint32_t(position >> 32), uint32_t(stream_), uint32_t(stream_ >> 32)},
                                uint32_t(seed_), uint32_t(seed_ >> 32));
  const uint64_t radius_bits = words.first(), angle_bits = words.second();
  const double u = double((radius_bits >> 11) + 1) * 0x1p-53;  // in (0, 1]: the logarithm stays finite
  const double v = double(angle_bits >> 11) * 0x1p-53;
  return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
}

uint64_t RandomStream::below(uint64_t bound, uint64_t position) const {
  Words words{uint32_t(position), uint32_t(position >> 32), uint32_t(stream_), uint32_t(stream_ >> 32)};
  uint64_t result = 0;
  do {
    words = philox_of(words, uint32_t(seed_), uint32_t(seed_ >> 32));
  } while (!scaled(words.first(), bound, result) && !scaled(words.second(), bound, result));
  return result;
}

std::array<uint64_t, 4> RandomStream::below_each(std::array<uint64_t, 4> positions) const {
  std::array<uint64_t, 4> result;
  philox_first(positions, stream_, seed_, result);
  for (size_t i = 0; i < 4; i++)
    if (!scaled(result[i], positions[i], result[i])) result[i] = below(positions[i], positions[i]);
  return result;
}

}  // namespace plexus

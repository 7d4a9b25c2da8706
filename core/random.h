// Counter-based random numbers: a value is a function of (seed, stream, position), never of the order of calls.
#pragma once
#include <array>
#include <cstdint>

#include "plexus/export.h"

namespace plexus {

/// Philox 4x32 with 10 rounds (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
/// A bijection of the 128-bit counter under a 64-bit key.
PLEXUS_EXPORT std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

/// What a stream of random numbers is for: keeps the streams of one seed apart.
enum class Purpose : uint8_t { initialize = 1, shuffle = 2, dropout = 3, split = 4, augment = 5, permute = 6, user = 255 };

/// A stream of random numbers. Copyable, stateless: any position can be asked at any time from any thread.
class PLEXUS_EXPORT RandomStream {
 public:
  /// `index` (< 2^24) tells streams of one purpose apart (the layer), `step` (< 2^32) its repetitions (epoch, batch).
  RandomStream(uint64_t seed, Purpose purpose, uint32_t index = 0, uint32_t step = 0)
      : seed_(seed), stream_(uint64_t(purpose) << 56 | uint64_t(index & 0xffffff) << 32 | step) {}

  /// The four words of block `block`: positions 4 * block to 4 * block + 3.
  std::array<uint32_t, 4> block(uint64_t block) const {
    return philox({uint32_t(block), uint32_t(block >> 32), uint32_t(stream_), uint32_t(stream_ >> 32)},
                  {uint32_t(seed_), uint32_t(seed_ >> 32)});
  }
  /// 32 uniform bits.
  uint32_t bits(uint64_t position) const { return block(position / 4)[position % 4]; }
  /// Uniform in [0, 1), a multiple of 2^-24, exact in float.
  float uniform(uint64_t position) const { return float(bits(position) >> 8) * 0x1p-24f; }
  /// Standard normal by Box-Muller; each position uses a block of its own. The last bit may differ from one math
  /// library to another.
  double normal(uint64_t position) const;
  /// Uniform in [0, bound), without bias: Lemire's multiplication over the two halves of the position's own block; should
  /// both be rejected (less than 2^-62 for bounds below 2^33), over philox of that block, and so on. bound > 0.
  uint64_t below(uint64_t bound, uint64_t position) const;
  /// below(position, position) of four positions > 0, as shuffling needs them: in less time than four calls take.
  std::array<uint64_t, 4> below_each(std::array<uint64_t, 4> positions) const;

 private:
  uint64_t seed_, stream_;
};

}  // namespace plexus

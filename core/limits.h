// Limits: what this machine can do at most, measured by this process, and what an operation could take at least.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "plexus/core/cost.h"
#include "plexus/core/cpu.h"
#include "plexus/export.h"

namespace plexus {

/// The caches' data (and unified) sizes in bytes by name, "l1" to "l3"; those that the system tells, else the C library.
PLEXUS_EXPORT std::map<std::string, double> cache_sizes();

struct PLEXUS_EXPORT Limits {
  struct Level {
    std::string name;      ///< "l1", "l2", "l3", "dram"
    double capacity = 0;   ///< bytes that all threads together keep there: L1 and L2 are of each core, L3 is shared
    double bandwidth = 0;  ///< of reading, by all threads together, GB/s
  };

  int threads = 1;
  std::map<Isa, double> multiply_add;  ///< GFLOP/s of all threads together, in f32
  std::vector<Level> levels;           ///< the fastest first; the last has no end

  /// The highest rate of any instruction set.
  double arithmetic() const;
  /// The first level in which so many bytes have room.
  const Level& level(double working_set) const;
  /// Seconds that this takes at least: as long as its arithmetic, or as long as its bytes from the level that its operands fit
  /// into; whichever is longer bounds it. Operands count as spread over the threads.
  double seconds(const Cost& cost) const;
};

/// Measures with so many threads of its own, and all instruction sets up to `most`. Takes about a quarter of a second. The best of
/// several tries each, since others on the machine can only make it slower.
PLEXUS_EXPORT Limits measure_limits(int threads, Isa most);

}  // namespace plexus

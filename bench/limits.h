// Limits: what this machine can do at most, measured by this process, and what an operation could take at least.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "plexus/bench/cost.h"
#include "plexus/core/cpu.h"

namespace plexus::bench {

/// The caches' data (and unified) sizes in bytes by name, "l1" to "l3"; those that the system tells.
std::map<std::string, double> cache_sizes();

struct Limits {
  struct Level {
    std::string name;      ///< "l1", "l2", "l3", "dram"
    double capacity = 0;   ///< bytes that all threads together keep there: L1 and L2 are of each core, L3 is shared
    double bandwidth = 0;  ///< of reading, by all threads together, GB/s
  };

  int threads = 1;
  std::map<Isa, double> multiply_add;  ///< GFLOP/s of all threads together, in f32
  std::vector<Level> levels;           ///< the fastest first; the last has no end
  double hot_loop = 0;   ///< microseconds that a parallel_for costs besides its body, right after another one
  double cold_loop = 0;  ///< the same after 3 ms without one

  /// The highest rate of any instruction set.
  double arithmetic() const;
  /// The first level in which so many bytes have room.
  const Level& level(double working_set) const;
  /// Seconds that this takes at least: as long as its arithmetic, or as long as its bytes from the level that its operands fit
  /// into; whichever is longer bounds it. Operands count as spread over the threads.
  double seconds(const Cost& cost) const;
};

/// Measures with so many threads, and all instruction sets up to `most`. Takes about half a second. The best of several tries
/// each (of the loops the median), since others on the machine can only make it slower.
Limits measure_limits(int threads, Isa most);

}  // namespace plexus::bench

// Comparison: what got slower or faster from one run of benchmarks to another.
#pragma once
#include <string>
#include <vector>

#include "plexus/cli/bench/measurements.h"

namespace plexus::cli {

/// Fewer repetitions than this show nothing but luck: with 9 against 9 all of one above all of the other has a probability of
/// 2e-5, which some hundreds of tests leave significant.
inline constexpr int least_repetitions = 9;
/// A change is reported from 10 % of the median on: what machines shared with others do between two runs, after what all benchmarks
/// have in common is taken out, stays below.
inline constexpr double least_change = 0.10;
/// Level of each of four sets of tests: kernels and single benchmarks, slower and faster. Together two runs without a difference
/// show one in 4 of 100.
inline constexpr double significance = 0.01;

struct Change {
  std::string name;  ///< of a benchmark, "activation/gelu/*/simd/t1", or "all benchmarks together, t1"
  double ratio = 1;  ///< time after over time before; what the runs have in common is taken out
  double p = 1;      ///< adjusted for the number of tests
};

/// What all benchmarks with so many threads have in common: how long B takes over A, and how much of it is the machine's.
struct Common {
  int threads = 0;
  size_t benchmarks = 0;
  double ratio = 1;         ///< of times, the middle of all benchmarks
  double machine = 1;       ///< of times, the middle of the measured limits
  bool taken_out = false;   ///< else there are too few benchmarks, and `machine` was
};

struct Comparison {
  std::vector<Common> common;
  std::vector<Change> slower, faster;  ///< the largest change first
  std::vector<Refusal> refused;        ///< timed in A, refused in B
  size_t compared = 0, only_a = 0, only_b = 0;
  int needed_repetitions = 0;  ///< with which a single slower benchmark among so many would show
};

/// Compares what both have. Every repetition is first divided by what all benchmarks of its number of threads have in common: a
/// machine drifts from run to run. A benchmark changed where its median did so by `least_change` and the one-sided Mann-Whitney U
/// test, adjusted for the number of benchmarks (Benjamini-Hochberg), says so. So did a kernel where all its shapes together
/// ("activation/gelu/*/simd/t1", their middle in each repetition) say so: their luck is not the same, what the kernel lost is. And
/// so did everything, measured against the machine's limits. Throws DataError for fewer than `least_repetitions`, for different CPUs, and
/// where nothing is in both.
Comparison compare(const Measurements& a, const Measurements& b);

}  // namespace plexus::cli

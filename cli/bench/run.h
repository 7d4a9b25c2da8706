// Run: plexus-bench for every backend, number of threads and repetition, each in a process of its own, and the peers beside it.
#pragma once
#include <cstdio>
#include <string>
#include <vector>

#include "plexus/cli/bench/measurements.h"

namespace plexus::cli {

struct BenchRun {
  std::string families;  ///< separated by commas; empty: all
  std::string filter;    ///< an extended regular expression that names have to match; empty: all
  std::vector<std::string> backends;
  std::vector<int> threads;
  int repetitions = 1;
  bool quick = false;
  bool peers = false;
  std::string peer_root;  ///< another root to run the peers in; empty: this system
  bool force = false;     ///< measure although the machine is busy, keep peers that are void
};

/// Runs everything, repetition after repetition, and merges what came out: one file of Google Benchmark's schema. A peer that is
/// void, and a machine that was busy, are in the context under void/. Progress goes to `progress`: a bar on a terminal, else a
/// line a repetition. Empty where a signal stopped it. Throws MissingPart (plexus-bench is not there), ArgumentError (no such family,
/// no regular expression, one that no name matches), Error.
Json run_benchmarks(const BenchRun& run, std::FILE* progress);

}  // namespace plexus::cli

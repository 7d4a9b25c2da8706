// Tuning: which backend with how many threads trains a network fastest, here.
#pragma once
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "plexus/backends/registry.h"
#include "plexus/export.h"
#include "plexus/layers/sequential.h"
#include "plexus/trainer/dataset.h"
#include "plexus/trainer/trainer.h"

namespace plexus {

/// A backend with a number of threads, and what became of it.
struct Candidate {
  std::string backend;
  int threads = 1;
  double seconds = std::numeric_limits<double>::quiet_NaN();  ///< of a step: the lower quartile of all rounds; NaN: was not timed
  std::string verdict = {};   ///< "chosen", "1.34x", "as fast, with more threads", "wrong: ...", "did not finish within 0.5 s"
};

struct Tuning {
  std::string backend;        ///< the choice
  int threads = 1;
  std::string source = {};    ///< the file of the cache, or the checkpoint, that it was read from; empty: it was measured
  int64_t steps = 0;          ///< that were run to find out, now; 0: it was read
  std::vector<Candidate> candidates = {};  ///< the fastest first, at the end those that were not timed; none: from a checkpoint
};

struct TuningOptions {
  /// Of the context that training is going to have. `threads` is the most that a candidate gets; `backend` is not looked at.
  ContextOptions context = {};
  std::vector<std::string> backends = {};  ///< candidates; empty: all usable ones, plugins too; the reference where it might win
  std::vector<int> threads = {};           ///< of the candidates; empty: 1, 2, 4, ..., and the most
  /// Time for all of it: what a network of three layers needs on a machine of few cores, and nobody minds before a training.
  /// More where the first steps take longer than that.
  double seconds = 1.5;
  std::optional<std::string> cache = {};   ///< directory; absent: cache_directory(); empty: none
  bool fresh = false;                      ///< measured whatever the cache says, which then holds the new result
};

/// Prepares the whole training step for every candidate over a copy of the network, compares what it computes from the first rows of
/// `data` with the reference (as PLEXUS_CHECK=reference does), times whole steps in turns, and chooses: the fastest; among those that are less
/// than 2 % slower (up to 5 %, where its own rounds differ by so much) the one with the fewest threads, then the default backend; from 2^24 operations a step on, with all threads that make
/// it no more than 8 % slower, since that they gain nothing there is the doing of others. Neither network nor data are touched. A candidate that is wrong,
/// fails, or is far too slow is out, and its verdict says why; where a plugin does not come back in time, its thread is left behind.
/// What the network computes, batch size, CPU, instruction set, threads, versions and files of plugins are what a choice in the cache is valid for;
/// a file there that is damaged, or out of date, and one that cannot be written, is a warning. Where `fit` resumes from a
/// checkpoint, the choice is the one of that checkpoint.
/// Of `fit`, `batch_size`, `full_batch` and `checkpoints` are looked at. Throws BackendError for backends that are not there;
/// ArgumentError; DataError and ShapeError where data, head and loss do not fit.
PLEXUS_EXPORT Tuning tune(const Sequential& network, const TrainerOptions& options, const Dataset& data, const FitOptions& fit = {},
                          const TuningOptions& tuning = {});

/// "simd on 1 thread, 4.9 us a step, the fastest of 5 (from the cache)"
PLEXUS_EXPORT std::string to_string(const Tuning& tuning);

}  // namespace plexus

// Table: the measurements of a run, for people.
#pragma once
#include <cstdio>

#include "plexus/cli/bench/measurements.h"

namespace plexus::cli {

/// A table for each family and number of threads: a line a shape, and for each backend its rate (GFLOP/s; GB/s where nothing is
/// multiplied), the fraction of the machine's limit, and how much of the speed of the fastest backend it reaches (1.00: it is the
/// fastest).
void print_tables(const Measurements& run, std::FILE* out);

}  // namespace plexus::cli

// Runs conformance checks on every usable backend. That none has run is a failure.
#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "plexus/backends/conformance/cases.h"
#include "plexus/backends/conformance/edges.h"
#include "plexus/core/context.h"

namespace plexus::conformance {

/// Calls `body` once a usable backend, with a context that has it first.
void on_every_backend(const std::function<void(const std::string& name, const Context&)>& body, int threads = 2);

/// Cases [0, count) of a family. The first failures are printed in full.
void expect_cases(const std::string& family, Fill fill, uint64_t count);
/// Every edge of a family.
void expect_edges(const std::string& family);
/// The same bits for 1, 2, 3 and 4 threads.
void expect_same_bits_on_any_threads(const Spec& spec);

/// Called by all of the above before a kernel runs: where it crashes at a guard page, the line is printed.
void announce(const std::string& line);

/// Cases of one family and fill in the short tests, and in those with Long in their names.
inline constexpr uint64_t short_count = 2'000, long_count = 100'000;

}  // namespace plexus::conformance

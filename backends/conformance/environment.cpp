#include <unistd.h>

#include <atomic>
#include <cfenv>
#include <limits>

#include "plexus/backends/abi/process_state.h"
#include "plexus/backends/conformance/modes.h"

namespace plexus::conformance {
namespace {

std::vector<std::string> variables() {
  std::vector<std::string> list;
  for (char** entry = environ; entry && *entry; ++entry) list.emplace_back(*entry);
  return list;
}

/// On as many threads of the executor as come: rounds to nearest, and keeps denormal numbers.
bool workers_keep_modes(const Executor& executor) {
  std::atomic<bool> kept = true;
  executor.parallel_for(executor.threads() * 8, 1, [&](int64_t, int64_t) {
    volatile double small = std::numeric_limits<double>::min();
    small = small * 0.5;
    if (small == 0 || std::fegetround() != FE_TONEAREST) kept = false;
  });
  return kept;
}

}  // namespace

Result check_environment(const Context& context, const Case& c) {
  const std::vector<std::string> before = variables();
  std::string description, results, problem;  // what is wrong with the results is for other modes
  abi::ProcessState state;
  {
    const auto kernel = prepare_kernel(context.chosen(), c.spec);
    if (!kernel)
      return {Status::not_supported, to_string(c) + ": " + context.chosen().name() + " does not have it", 0};
    description = kernel->describe();
    run(*kernel, c.spec, c.rows, make_values(c), c.placement, c.seed, results);
  }
  const auto add = [&](const std::string& what) { problem += (problem.empty() ? "" : "; ") + what; };
  if (const std::string changed = state.restore(); !changed.empty())
    add("changed of its process: " + changed);
  if (variables() != before) add("changed environment variables");
  if (!workers_keep_modes(context.executor())) add("changed the floating-point mode of a worker thread");
  if (problem.empty()) return {};
  return {Status::fail, to_string(c) + ": " + context.chosen().name() + " (" + description + "): " + problem,
          0};
}

}  // namespace plexus::conformance

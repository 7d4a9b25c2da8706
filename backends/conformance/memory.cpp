#include <algorithm>
#include <iterator>

#include "plexus/backends/conformance/modes.h"

namespace plexus::conformance {
namespace {

/// In every byte of the workspace: NaN, zeros, an ordinary number (0.7 as f32), one near the largest.
constexpr uint8_t leftovers[] = {0xff, 0x00, 0x3f, 0x7f};
/// Multiples of an f32 within 64 bytes, but for the aligned one: run() numbers them by its seed.
constexpr uint64_t misalignments = 15;

}  // namespace

Result check_memory(const Backend& backend, const Case& c) {
  const auto kernel = prepare_kernel(backend, c.spec);
  if (!kernel) return {Status::not_supported, to_string(c) + ": " + backend.name() + " does not have it", 0};
  Exercise e = make_exercise(c);
  const std::string name = e.name;
  Result worst;
  const auto passes = [&](const Values& actual, const std::string& problem, const std::string& where) {
    e.name = name + ", then " + where;
    Result result = compare(backend, *kernel, e, actual, problem);
    worst.error = std::max(worst.error, result.error);
    if (result.status == Status::fail) worst.status = Status::fail, worst.message = result.message;
    return result.status == Status::pass;
  };
  const auto run_at = [&](Placement placement, uint64_t seed, uint8_t workspace, std::string& problem) {
    return run(*kernel, c.spec, c.rows, e.inputs, placement, seed, problem, workspace);
  };

  Values first;
  for (const uint8_t leftover : leftovers) {
    std::string problem;
    const Values actual = run_at(Placement::aligned, 0, leftover, problem);
    const std::string where = "with a workspace of bytes " + std::to_string(leftover);
    if (first.empty()) first = actual;
    if (!backend.deviations().has(Semantics::thread_bits) && problem.empty())
      if (const std::string differs = difference(c.spec, actual, first); !differs.empty())
        problem = "not what the same kernel gave before: " + differs;
    if (!passes(actual, problem, where)) return worst;
  }
  for (const Placement placement : {Placement::before_guard, Placement::after_guard}) {
    std::string problem;
    const Values actual = run_at(placement, 0, leftovers[0], problem);
    if (!passes(actual, problem, to_string(placement))) return worst;
  }
  for (uint64_t seed = 0; seed < misalignments; ++seed) {
    std::string problem;
    const Values actual =
        run_at(Placement::misaligned, seed, leftovers[seed % std::size(leftovers)], problem);
    if (!passes(actual, problem, "misaligned by " + std::to_string(seed + 1) + " elements")) return worst;
  }
  return worst;
}

}  // namespace plexus::conformance

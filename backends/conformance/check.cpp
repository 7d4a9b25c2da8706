#include "plexus/backends/conformance/check.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <deque>
#include <limits>
#include <sstream>
#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

#include "plexus/backends/conformance/allowance.h"
#include "plexus/backends/conformance/bounds.h"
#include "plexus/backends/conformance/buffers.h"
#include "plexus/backends/conformance/oracle.h"

namespace plexus::conformance {
namespace {

/// Rounding mode, flush-to-zero and denormals-are-zero of this thread; the sticky exception flags do not count.
unsigned floating_point_mode() {
#if defined(__SSE2__)
  return _mm_getcsr() & ~0x3fu;
#else
  return 0;
#endif
}

std::string number(double value) {
  std::ostringstream text;
  text.precision(std::numeric_limits<double>::max_digits10);
  text << value;
  return text.str();
}

/// Compares one output slot; adds to `result` the worst of what is wrong and not declared.
class Comparison {
 public:
  Comparison(const Spec& spec, size_t slot, const Values& inputs, const Matrix& actual, const Matrix& expected,
             const Deviations& declared)
      : spec_(spec),
        slot_(slot),
        inputs_(inputs),
        actual_(actual),
        expected_(expected),
        declared_(declared.of(spec)) {}

  void run(const Matrix& magnitudes, bool exact, Result& result) {
    const DType dtype = operand(spec_, slot_).dtype;
    for (int64_t i = 0; i < expected_.rows; ++i) {
      for (int64_t j = 0; j < expected_.columns; ++j) {
        const double wanted = expected_(i, j), got = actual_(i, j), stored = rounded(wanted, dtype);
        const bool number = std::isfinite(stored) && std::isfinite(got);
        const double bound =
            exact || !number ? 0 : widened(declared_, tolerance(spec_, slot_, wanted, magnitudes(i, j)), wanted);
        if (!number) {
          if (!(std::isnan(stored) ? std::isnan(got) : got == stored))
            note(i, j, std::numeric_limits<double>::infinity(), bound);
          continue;
        }
        const double error = std::fabs(got - wanted), share = error == 0 ? 0 : error / bound;
        if (!(error <= bound)) {
          note(i, j, share, bound);
          continue;
        }
        if (bound > 0) result.error = std::max(result.error, share);
      }
    }
    if (wrong_ == 0) return;
    result.status = Status::fail;
    result.message += (result.message.empty() ? "" : "; ") + message();
  }

 private:
  void note(int64_t i, int64_t j, double share, double bound) {
    const double stored = rounded(expected_(i, j), operand(spec_, slot_).dtype);
    if (excused(declared_, spec_, slot_, inputs_, i, j, stored, actual_(i, j))) return;
    if (wrong_++ > 0 && !(share > share_)) return;
    row_ = i, column_ = j, share_ = share, bound_ = bound;
  }

  std::string message() const {
    const double got = actual_(row_, column_), wanted = expected_(row_, column_);
    return std::string(slots(spec_)[slot_].name) + "[" + std::to_string(row_) + "," + std::to_string(column_) +
           "] is " + number(got) + ", expected " + number(wanted) + " (error " + number(std::fabs(got - wanted)) +
           ", bound " + number(bound_) + "; " + std::to_string(wrong_) + " of " +
           std::to_string(expected_.values.size()) + " wrong)";
  }

  const Spec& spec_;
  size_t slot_;
  const Values& inputs_;
  const Matrix &actual_, &expected_;
  const Deviations declared_;
  int64_t wrong_ = 0, row_ = 0, column_ = 0;
  double share_ = 0, bound_ = 0;
};

}  // namespace

Values run(const Kernel& kernel, const Spec& spec, int64_t rows, const Values& inputs, Placement placement,
           uint64_t seed, std::string& problem, uint8_t workspace_byte) {
  const auto names = slots(spec);
  const Spec true_spec = with_rows(spec, rows);
  std::deque<GuardedBuffer> buffers;  // a deque: they do not move
  std::vector<GuardedBuffer*> of_slot(names.size(), nullptr);
  std::vector<void*> addresses(names.size(), nullptr);
  for (size_t slot = 0; slot < names.size(); ++slot) {
    const Operand maximum = operand(spec, slot);
    if (!maximum.used || (maximum.access != Access::out && !inputs[slot].present)) continue;
    const int64_t offset = 1 + int64_t((seed + slot) % 15);  // elements: every misalignment in a vector of 64 bytes
    of_slot[slot] = &buffers.emplace_back(maximum, operand(true_spec, slot).rows, placement, offset);
    of_slot[slot]->store(maximum.access == Access::out ? Matrix() : inputs[slot]);
    addresses[slot] = of_slot[slot]->address();
  }
  // One row: Call::workspace is 64-byte aligned, so no guard page but the margins watch over it.
  const size_t workspace_size = kernel.workspace();
  GuardedBuffer workspace({.dtype = DType::u8,
                           .rows = 1,
                           .columns = int64_t(workspace_size),
                           .stride = int64_t(workspace_size),
                           .access = Access::inout},
                          1, Placement::aligned, 0);
  if (workspace_size > 0) std::memset(workspace.address(), workspace_byte, workspace_size);
  workspace.store(Matrix());

  const unsigned mode = floating_point_mode();
  kernel.run(addresses.data(), {rows, workspace.address()});
  if (floating_point_mode() != mode) problem = "changed the floating-point mode of its thread";

  Values outputs(names.size());
  for (size_t slot = 0; slot < names.size(); ++slot) {
    if (!of_slot[slot]) continue;
    const std::string damage = of_slot[slot]->damage();
    if (!damage.empty()) problem += (problem.empty() ? "" : "; ") + std::string(names[slot].name) + " " + damage;
    if (operand(spec, slot).access != Access::in) outputs[slot] = of_slot[slot]->load();
  }
  if (const std::string damage = workspace.damage(); !damage.empty())
    problem += (problem.empty() ? "" : "; ") + ("workspace " + damage);
  return outputs;
}

Exercise make_exercise(const Case& c) {
  Exercise e{to_string(c), c.spec, c.rows, make_values(c), {}, {}, exact(c)};
  for (Expected& slot : evaluate(with_rows(c.spec, c.rows), e.inputs)) {
    e.expected.push_back(std::move(slot.values));
    e.magnitudes.push_back(std::move(slot.magnitudes));
  }
  return e;
}

Result compare(const Backend& backend, const Kernel& kernel, const Exercise& e, const Values& actual,
               const std::string& problem) {
  Result result{problem.empty() ? Status::pass : Status::fail, problem, 0};
  const Spec true_spec = with_rows(e.spec, e.rows);
  for (size_t slot = 0; slot < e.expected.size(); ++slot)
    if (e.expected[slot].present)
      Comparison(true_spec, slot, e.inputs, actual[slot], e.expected[slot], backend.deviations())
          .run(e.magnitudes[slot], e.exact, result);
  if (result.status == Status::fail)
    result.message = e.name + ": " + backend.name() + " (" + kernel.describe() + "): " + result.message;
  return result;
}

std::string difference(const Spec& spec, const Values& now, const Values& before) {
  for (size_t slot = 0; slot < now.size(); ++slot) {
    for (size_t i = 0; i < now[slot].values.size(); ++i) {
      const double a = now[slot].values[i], b = before[slot].values[i];
      if (std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b) || (std::isnan(a) && std::isnan(b)))
        continue;
      const auto columns = size_t(now[slot].columns);
      return std::string(slots(spec)[slot].name) + "[" + std::to_string(i / columns) + "," +
             std::to_string(i % columns) + "] is " + number(a) + ", was " + number(b);
    }
  }
  return "";
}

namespace {

Result run_and_compare(const Backend& backend, const Exercise& e, Placement placement, uint64_t seed) {
  const auto kernel = prepare_kernel(backend, e.spec);
  if (!kernel) return {Status::not_supported, e.name + ": " + backend.name() + " does not have it", 0};
  std::string problem;
  const Values actual = run(*kernel, e.spec, e.rows, e.inputs, placement, seed, problem);
  return compare(backend, *kernel, e, actual, problem);
}

}  // namespace

Result check(const Backend& backend, const Case& c) {
  return run_and_compare(backend, make_exercise(c), c.placement, c.seed);
}

Result check(const Backend& backend, const std::string& name, const Spec& spec, int64_t rows, const Values& inputs,
             const Values& expected, bool exact, Placement placement) {
  Exercise e{name, spec, rows, inputs, expected, {}, exact};
  for (Expected& slot : evaluate(with_rows(spec, rows), inputs))
    e.magnitudes.push_back(std::move(slot.magnitudes));
  return run_and_compare(backend, e, placement, 0);
}

}  // namespace plexus::conformance

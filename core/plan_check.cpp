// A plan beside the reference: every row is run twice, and compared.
#include <algorithm>
#include <cmath>

#include "plexus/core/error.h"
#include "plexus/core/plan_look.h"
#include "plexus/core/plan_state.h"

namespace plexus {
namespace {

bool holds_nan(const Tensor& values, int64_t count) {
  for (int64_t i = 0; i < count; i++)
    if (std::isnan(element(values, i))) return true;
  return false;
}

}  // namespace

Plan::Difference Plan::check(int64_t rows) {
  State& state = *state_;
  state.begin(rows);
  const PreparedProgram& prepared = *state.prepared;
  Difference difference;
  for (size_t r = 0; r < prepared.rows.size(); r++) {
    const Row& row = prepared.rows[r];
    const size_t first_slot = prepared.steps[r].first_slot;
    if (row.refreshed != no_buffer) {
      prepared.steps[r].kernel->run(&state.addresses[first_slot], state.call);
      continue;
    }
    const Look look(prepared, r, state.addresses, state.context.reference(), rows);
    prepared.steps[r].kernel->run(&state.addresses[first_slot], state.call);
    const Difference found = look.compare_with_kernel();
    const bool worse = found.wrong > difference.wrong ||
                       (found.wrong == difference.wrong && found.relative > difference.relative);
    difference.relative = std::max(difference.relative, found.relative);
    if (!worse) continue;
    difference.wrong = found.wrong;
    difference.where = "row " + std::to_string(r) + " (" + row.spec + " on " + row.backend + "), " + found.where;
  }
  return difference;
}

void Plan::run_checked(int64_t rows) {
  State& state = *state_;
  const PreparedProgram& prepared = *state.prepared;
  for (size_t r = 0; r < prepared.rows.size(); r++) {
    const size_t first_slot = prepared.steps[r].first_slot;
    state.run_row(r);
    const Row& row = prepared.rows[r];
    size_t at = first_slot;
    for (size_t i = row.first; i < row.last; i++) {
      const Operation& operation = prepared.program.operations()[i];
      for (size_t slot = 0; slot < operation.buffers.size(); slot++, at++) {
        if (!state.addresses[at] || operand(operation.spec, slot).access == Access::in) continue;
        const Buffer& buffer = prepared.program[operation.buffers[slot]];
        if (holds_nan(plain_copy(buffer, state.addresses[at], rows), touched(buffer, rows)))
          throw Error("check for NaN: " + row.spec + " on " + row.backend + " (" + operation.label +
                      ") wrote NaN into " + buffer.name);
      }
    }
  }
}

}  // namespace plexus

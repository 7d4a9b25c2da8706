// A plan that looks at some of its kernels while it runs, and goes on without those that are wrong.
#include "plexus/core/plan_sample.h"

#include <algorithm>

#include "plexus/core/error.h"
#include "plexus/core/plan_look.h"
#include "plexus/core/plan_state.h"

namespace plexus {
namespace {

/// The reference may take a hundred times as long as the kernel that it is beside: one kernel in `interval` would then cost far
/// more than 1 / interval of the time. Looks are therefore put off until they cost at most 5 / interval of it: half a percent at
/// 1/1000. Who asks for one in ten or more wants them all.
constexpr int64_t most_share = 5, least_put_off = 10;

}  // namespace

size_t PlanSampler::due(size_t rows, int64_t interval) {
  credit_ += int64_t(rows);
  if (credit_ < interval || rows == 0) return 0;
  if (interval > least_put_off && cost_ * interval > most_share * (Clock::now() - ended_)) {
    credit_ = interval;
    return 0;
  }
  const auto count = std::min(size_t(credit_ / interval), rows);
  credit_ %= interval;
  first_ %= rows;
  return count;
}

void PlanSampler::looked_at(size_t count, Clock::duration cost) {
  first_ += count;
  cost_ = cost;
  ended_ = Clock::now();
}

void Plan::run_sampled(int64_t rows) {
  State& state = *state_;
  const Context& context = state.context;
  const PreparedProgram& prepared = *state.prepared;
  const size_t count = prepared.steps.size();
  const bool stops = context.policies().check == Check::reference;  // looks at everything, and stops at what is wrong
  const size_t due = stops ? count : state.sampler.due(count, context.policies().check_interval);
  const auto condemned = [&](const Row& row) {
    return context.quarantines() != prepared.quarantines && context.quarantined(row.backend, row.spec);
  };
  if (due == 0 && context.quarantines() == prepared.quarantines) {
    state.run_rows();
    return;
  }
  PlanSampler::Clock::duration cost{};
  for (size_t r = 0; r < count; r++) {
    const Row& row = prepared.rows[r];
    const bool sampled = (r + count - state.sampler.first()) % count < due && row.refreshed == no_buffer &&
                         row.backend != context.reference().name();
    const bool known = condemned(row);
    if (!sampled && !known) {
      state.run_row(r);
      continue;
    }
    const auto start = PlanSampler::Clock::now();
    const Look look(prepared, r, state.addresses, context.reference(), rows);
    if (!known) state.run_row(r);
    const Difference found = known ? Difference{} : look.compare_with_kernel();
    if (found.wrong) {
      const std::string what = "check against the reference: row " + std::to_string(r) + " (" + row.spec + " on " +
                               row.backend + ", " + row.description + "), " + found.where;
      if (stops) throw BackendError(what);
      context.log(LogLevel::warning, what + ": not used any more; the results of this run are the reference's");
      context.quarantine(row.backend, row.spec);
    }
    if (known || found.wrong) look.replace();
    cost += PlanSampler::Clock::now() - start;
  }
  if (due > 0 && !stops) state.sampler.looked_at(due, cost);
}

}  // namespace plexus

// A plan that looks at the clock: for the log, for the profile, and to be measured.
#include <algorithm>
#include <chrono>
#include <numeric>

#include "plexus/core/plan_state.h"
#include "plexus/core/profile.h"

namespace plexus {
namespace {

using Clock = std::chrono::steady_clock;

double nanoseconds(Clock::duration time) { return std::chrono::duration<double, std::nano>(time).count(); }

/// Row counts whose texts a plan keeps. Programs meet two, full batch and tail; who predicts may come with any.
constexpr size_t most_row_counts = 16;

std::string number(double value) { return std::to_string(int64_t(value)); }

/// The name of a row in the profile: its first operation, and how many run with it.
std::string name(const Plan::Row& row) {
  const size_t inside = row.last > row.first ? row.last - row.first - 1 : 0;
  return (row.label.empty() ? row.spec : row.label) + (inside > 0 ? " + " + std::to_string(inside) : "");
}

/// What reading the clock takes: within a stamped run, once a row.
double clock_cost() {
  constexpr int times = 1000;
  std::vector<double> costs;
  for (int i = 0; i < 9; i++) {
    const auto begin = Clock::now();
    for (int j = 0; j < times; j++) static_cast<void>(Clock::now());
    costs.push_back(nanoseconds(Clock::now() - begin) / times);
  }
  return *std::min_element(costs.begin(), costs.end());
}

/// The positions of the middle half.
std::vector<size_t> middle_half(const std::vector<double>& values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] < values[b]; });
  const auto quarter = ptrdiff_t(values.size() / 4);
  return {order.begin() + quarter, order.end() - quarter};
}

}  // namespace

/// Once for each number of rows.
void Plan::State::describe_rows() {
  if (texts.contains(call.rows)) return;
  if (texts.size() == most_row_counts) texts.clear();
  std::vector<const std::string*>& list = texts[call.rows];
  for (const Row& row : rows) {
    const Cost cost = row.refreshed == no_buffer ? plexus::cost(Run(prepared->program, row.first, row.last), call.rows) : row.cost;
    list.push_back(context.profile()->text(
        name(row), "operation",
        "\"spec\":" + Profile::quoted(row.spec) + ",\"backend\":" + Profile::quoted(row.backend) +
            ",\"kernel\":" + Profile::quoted(row.description) + ",\"rows\":" + std::to_string(call.rows) +
            ",\"flops\":" + number(cost.flop) + ",\"bytes\":" + number(cost.bytes)));
  }
}

void Plan::State::run_row_timed(size_t r) {
  struct Operation {
    explicit Operation(const std::string* text) { ProfileSpan::set_operation(text); }
    ~Operation() { ProfileSpan::set_operation(nullptr); }
  };
  Row& row = rows[r];
  const PreparedProgram::Step& step = prepared->steps[r];
  Profile* const profile = recorded ? context.profile() : nullptr;
  const std::string* const text = profile ? texts[call.rows][r] : nullptr;
  const Operation operation(text);
  const auto start = Clock::now();
  step.kernel->run(&addresses[step.first_slot], call);
  const auto end = Clock::now();
  row.nanoseconds = nanoseconds(end - start);
  if (profile) ProfileSpan::add({.text = text, .begin = profile->at(start), .end = profile->at(end)});
  if (context.policies().verbose >= int(LogLevel::run))
    context.log(LogLevel::run, row.spec + ": " + row.backend + ", rows " + std::to_string(call.rows) + ", " +
                                   number(row.nanoseconds) + " ns");
}

void Plan::run_timed(int64_t rows) {
  State& state = *state_;
  state.begin(rows);
  state.timed = true;
  state.recorded = false;
  state.run_rows();
  state.timed = false;
}

/// What the context's policies ask for besides running the kernels.
void Plan::run_watched(int64_t rows) {
  State& state = *state_;
  const Policies& policies = state.context.policies();
  if (Profile* const profile = state.context.profile())
    if (const std::string complaint = profile->complaint(); !complaint.empty())
      state.context.log(LogLevel::warning, complaint);
  const ProfileSpan span(state.context.profile(), ProfileSpan::Kind::run, "run", "rows", rows);
  const bool told = policies.verbose >= int(LogLevel::run);
  state.recorded = span.recording();
  state.timed = state.recorded || told;
  if (state.recorded) state.describe_rows();
  const auto start = Clock::now();
  if (policies.check == Check::sample || policies.check == Check::reference)
    run_sampled(rows);
  else if (policies.check != Check::none)
    run_checked(rows);
  else
    state.run_rows();
  if (told)
    state.context.log(LogLevel::run, "run of " + std::to_string(state.rows.size()) + " kernels: rows " +
                                         std::to_string(rows) + ", " + number(nanoseconds(Clock::now() - start)) + " ns");
}

Plan::Timing Plan::measure(int64_t rows, double seconds) {
  State& state = *state_;
  state.begin(rows);
  const auto& steps = state.prepared->steps;
  const auto run_row = [&](const PreparedProgram::Step& step) {
    step.kernel->run(&state.addresses[step.first_slot], state.call);
  };
  // Enough for quarters to be cut off at both ends, and few enough to be kept.
  constexpr int64_t fewest = 20, most = 100000;
  for (int i = 0; i < 3; i++)  // caches, and threads that start
    for (const auto& step : steps) run_row(step);

  std::vector<double> plain, stamped, each;
  std::vector<Clock::time_point> stamps(steps.size() + 1);
  const auto begin = Clock::now();
  for (int64_t i = 0; i < fewest || (i < most && nanoseconds(Clock::now() - begin) < 1e9 * seconds); i++) {
    const auto start = Clock::now();
    for (const auto& step : steps) run_row(step);
    plain.push_back(nanoseconds(Clock::now() - start));
    stamps[0] = Clock::now();
    for (size_t r = 0; r < steps.size(); r++) {
      run_row(steps[r]);
      stamps[r + 1] = Clock::now();
    }
    for (size_t r = 0; r < steps.size(); r++) each.push_back(nanoseconds(stamps[r + 1] - stamps[r]));
    stamped.push_back(nanoseconds(stamps.back() - stamps.front()));
  }
  const double clock = clock_cost();
  Timing timing;
  timing.runs = int64_t(plain.size());
  const auto plain_middle = middle_half(plain), middle = middle_half(stamped);
  for (const size_t i : plain_middle) timing.run += plain[i] / double(plain_middle.size());
  timing.run = std::max(0.0, timing.run - clock);
  for (size_t r = 0; r < steps.size(); r++) {
    double sum = 0;
    for (const size_t i : middle) sum += each[i * steps.size() + r];
    timing.rows.push_back(std::max(0.0, sum / double(middle.size()) - clock));
    timing.stamped += timing.rows.back();
  }
  return timing;
}

}  // namespace plexus

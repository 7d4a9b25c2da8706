#include "plexus/trainer/tuner.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <numeric>
#include <optional>

#include "plexus/core/error.h"
#include "plexus/trainer/training_step.h"

namespace plexus {
namespace {

using Clock = std::chrono::steady_clock;

/// Of the reference while it checks a step: some 50 ms of its loops, so that all candidates together stay within
/// a part of the time.
constexpr double operations_to_check = 0x1p26;
/// The second has optimizer state that is not zero any more.
constexpr int steps_to_check = 2;

/// The first timing of a candidate: enough steps that the least is not the one that met an interrupt, or one long one.
constexpr int first_steps = 5;
constexpr double first_seconds = 0.01, long_step = 0.1;
/// Who is so many times slower than the best by the first timing is not timed again, nor is who is so much slower after one round; after some
/// rounds the little is enough. It is each time the luckiest timing that is this much slower: a core that is away for 50 ms spoils most rounds
/// of a fast candidate, but not all.
constexpr double out_of_reach = 10, hopeless = 2, behind = 1.1;
constexpr int rounds_to_judge = 5;
/// Of a candidate in a round: long against the clock and the change of threads, short enough for many rounds.
constexpr double round_seconds = 0.004;
constexpr int most_rounds = 25;
/// Less is noise: two runs of one and the same step differ by as much. Where rounds of the fastest differ by more, that is the noise; but
/// who is further behind than the most is slower.
constexpr double least_tie = 0.02, most_tie = 0.05;

/// From so many operations on a second thread takes off a part of the time (a tenth on a Zen 5, two fifths on a Zen 4), and more with every
/// operation more. Where it seems to take off nothing, somebody else may have had its core for the moment, not for the whole training: so the
/// fastest gets more threads where it is no more than this much slower with them, which is then all that it costs.
constexpr double operations_to_share = 0x1p24;
constexpr double tie_where_shared = 0.08;

/// Where steps are long, so is the training, and so many of them are worth a good choice.
constexpr double steps_in_budget = 10;

/// What a plugin may take to load, prepare and check, a share of the time that is left; but as many times as long as the first candidate took for the
/// same, before it is thought to hang. Afterwards: how many times as long as the best for the same steps.
constexpr double least_patience = 0.3, most_patience = 1;
constexpr double first_patience_factor = 4, patience_factor = 20;
constexpr double forever = std::numeric_limits<double>::infinity();

const std::string found_wrong = "check against the reference: ";

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// The value that one in `part` is not above.
double quantile(std::vector<double> values, size_t part) {
  const auto place = values.begin() + static_cast<std::ptrdiff_t>(values.size() / part);
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

std::string factor_text(double ratio) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2fx", ratio);
  return text;
}

}  // namespace

double row_operations(const Sequential& network) {
  return 6 * static_cast<double>(network.parameter_count());
}

/// All that a candidate works with; its jobs share it, for they may outlive the tuner.
struct Tuner::Rig {
  std::shared_ptr<const Exercise> exercise;
  ContextOptions context;
  std::shared_ptr<Sequential> network;  // one a backend: its candidates agree on how parameters lie
  bool checked = false;                 // so was the backend
  std::vector<int64_t> order = {};
  std::optional<TrainingStep> step = {};
  double seconds = 0;                   // of a step, in the last job
  int64_t steps = 0;                    // of the last job
  bool idle = false;                    // its backend runs nothing of the plan

  TrainingStep make_step(Check check) const {
    ContextOptions options = context;
    options.check = check;
    const Exercise& e = *exercise;
    TrainingStep made(make_context(options), *network, e.options, e.batch, e.tail, e.rows.labels(),
                      e.rows.has_sample_weights());
    made.set_seed(e.options.seed);
    return made;
  }

  /// The same kernels beside the reference: throws where they differ.
  void check() {
    TrainingStep checking = make_step(Check::reference);
    checking.reset();
    checking.set_learning_rate(learning_rate(exercise->options.optimizer));
    const double rows = operations_to_check / std::max(1.0, row_operations(*network));
    const auto count = static_cast<size_t>(std::clamp(rows, 1.0, static_cast<double>(order.size())));
    for (int i = 0; i < steps_to_check; i++, steps++)
      if (!std::isfinite(checking.run(exercise->rows, std::span(order).first(count)))) break;
  }

  void prepare() {
    if (!network) network = std::make_shared<Sequential>(exercise->network.clone());
    order.resize(static_cast<size_t>(exercise->rows.size()));
    std::iota(order.begin(), order.end(), int64_t{0});
    if (!checked) check();
    checked = true;
    step.emplace(make_step(Check::none));
    idle = !step->backends().contains(context.backend);
    if (idle) return;
    step->set_learning_rate(0);  // all train the same weights again and again
    const auto start = Clock::now();
    seconds = once();
    if (seconds > long_step) return;
    seconds = forever;
    for (int i = 0; i < first_steps && (i < 2 || seconds_since(start) < first_seconds); i++)
      seconds = std::min(seconds, once());
  }

  double once() {
    const auto start = Clock::now();
    step->run(exercise->rows, order);
    steps++;
    return seconds_since(start);
  }

  void time(int64_t count) {
    if (count > 1) once();  // threads wake up, and caches are this one's again
    const auto start = Clock::now();
    for (int64_t i = 0; i < count; i++) step->run(exercise->rows, order);
    steps += count;
    seconds = seconds_since(start) / static_cast<double>(count);
  }
};

struct Tuner::Entrant {
  Candidate candidate;
  int preference = 0;
  bool watched = false;
  std::shared_ptr<Rig> rig = {};  // null: out, or not prepared yet
  std::vector<double> rounds = {};
  double luckiest = forever;  // of the rounds, and of the first timing

  void add_round(double seconds) {
    rounds.push_back(seconds);
    luckiest = std::min(luckiest, seconds);
  }

  /// The lower quartile: what it takes when nobody disturbs, without trusting the luckiest round.
  void judge() { candidate.seconds = quantile(rounds, 4); }
};

Tuner::Tuner(std::shared_ptr<const Exercise> exercise, ContextOptions context, double seconds)
    : exercise_(std::move(exercise)), context_(std::move(context)), budget_(seconds), start_(Clock::now()) {
  context_.sink = {};  // what goes wrong is in the verdicts
  context_.profile = "";  // a profile is of the training
}

Tuner::~Tuner() = default;

void Tuner::add(const std::string& backend, int threads, int preference, bool watched) {
  entrants_.push_back({.candidate = {.backend = backend, .threads = threads},
                       .preference = preference,
                       .watched = watched});
}

Tuner::Duration Tuner::left() const { return budget_ - Duration(seconds_since(start_)); }

/// Somebody has been timed.
bool Tuner::in() const {
  return std::any_of(entrants_.begin(), entrants_.end(), [](const Entrant& e) { return e.rig != nullptr; });
}

void Tuner::put_out(Entrant& entrant, const std::string& verdict) {
  entrant.rig.reset();
  entrant.rounds.clear();
  entrant.candidate.seconds = std::numeric_limits<double>::quiet_NaN();
  entrant.candidate.verdict = verdict;
}

bool Tuner::attempt(Entrant& entrant, void (*job)(Rig&, int64_t), int64_t steps, Duration limit) {
  const std::shared_ptr<Rig> rig = entrant.rig;
  rig->steps = 0;
  std::string verdict;
  try {
    if (watchdog_.run([rig, job, steps] { job(*rig, steps); }, limit)) {
      steps_ += rig->steps;
      if (!rig->idle) return true;
      verdict = "runs nothing of this network";
    } else {
      char text[64];
      std::snprintf(text, sizeof text, "did not finish within %.2g s", limit.count());
      verdict = text;
    }
  } catch (const std::exception& problem) {
    const std::string what = problem.what();
    verdict = what.starts_with(found_wrong) ? "wrong: " + what.substr(found_wrong.size()) : "failed: " + what;
  }
  // With other numbers of threads it is not to be trusted either.
  const std::string backend = entrant.candidate.backend;
  for (Entrant& other : entrants_)
    if (other.candidate.backend == backend) put_out(other, verdict);
  return false;
}

void Tuner::prepare(Entrant& entrant) {
  if (!entrant.candidate.verdict.empty()) return;  // its backend is out
  const bool in_before = in();
  if (in_before && left() <= Duration::zero()) return put_out(entrant, "not timed: the time was over");
  const auto rig = std::make_shared<Rig>(Rig{.exercise = exercise_, .context = context_, .network = nullptr});
  rig->context.backend = entrant.candidate.backend;
  rig->context.threads = entrant.candidate.threads;
  for (const Entrant& other : entrants_)
    if (other.rig && other.candidate.backend == entrant.candidate.backend) {
      rig->network = other.rig->network;
      rig->checked = true;
    }
  entrant.rig = rig;
  const auto start = Clock::now();
  const double limit =
      std::max(std::clamp(left().count() / 2, least_patience, most_patience), first_patience_factor * first_preparation_);
  if (!attempt(entrant, [](Rig& r, int64_t) { r.prepare(); }, 0, Duration(entrant.watched ? limit : forever))) return;
  if (!in_before) {
    first_preparation_ = seconds_since(start);
    budget_ = std::max(budget_, Duration(steps_in_budget * rig->seconds));
  }
  entrant.add_round(rig->seconds);
  entrant.judge();
}

double Tuner::least_seconds() const {
  double least = forever;
  for (const Entrant& e : entrants_)
    if (std::isfinite(e.candidate.seconds)) least = std::min(least, e.candidate.seconds);
  return least;
}

/// Who takes no longer is as fast as the fastest.
double Tuner::tie_bound() const {
  const double least = least_seconds();
  for (const Entrant& e : entrants_)
    if (e.candidate.seconds == least)
      return least * (1 + std::clamp(quantile(e.rounds, 2) / least - 1, least_tie, most_tie));
  return least;
}

/// Rounds in turns, until the time is over or one is left.
void Tuner::race() {
  const auto leave_behind = [&](double factor) {
    const double bound = factor * least_seconds();
    for (Entrant& e : entrants_)
      if (e.rig && e.luckiest > bound) e.rig.reset();  // its time stays
  };
  leave_behind(out_of_reach);
  std::vector<size_t> turns(entrants_.size());
  std::iota(turns.begin(), turns.end(), size_t{0});
  for (int round = 0; round < most_rounds && left() > Duration::zero(); round++) {
    const auto racing = std::count_if(entrants_.begin(), entrants_.end(), [](const Entrant& e) { return e.rig != nullptr; });
    if (racing < 2) break;
    std::reverse(turns.begin(), turns.end());  // nobody is always behind the same other
    for (const size_t turn : turns) {
      Entrant& e = entrants_[turn];
      if (!e.rig || (round > 0 && left() <= Duration::zero())) continue;
      const auto count = static_cast<int64_t>(std::clamp(round_seconds / e.candidate.seconds, 1.0, 1000.0));
      const double expected = least_seconds() * static_cast<double>(count + 1);
      const double limit = e.watched ? least_patience + patience_factor * expected : forever;
      if (!attempt(e, [](Rig& r, int64_t n) { r.time(n); }, count, Duration(limit))) continue;
      if (round == 0) e.rounds.clear();  // the first timing was to sort them out
      e.add_round(e.rig->seconds);
    }
    for (Entrant& e : entrants_)
      if (e.rig && !e.rounds.empty()) e.judge();
    leave_behind(round + 1 < rounds_to_judge ? hopeless : behind);
  }
}

/// Of those that are as fast as the fastest, the one with the fewest threads, then the preferred one; where there is much to share, with
/// all threads that do no harm.
Tuner::Entrant* Tuner::fastest() {
  const double bound = tie_bound();
  Entrant* best = nullptr;
  for (Entrant& e : entrants_) {
    if (!(e.candidate.seconds <= bound)) continue;
    const auto key = [](const Entrant& x) { return std::pair(x.candidate.threads, x.preference); };
    if (!best || key(e) < key(*best)) best = &e;
  }
  if (!best || row_operations(exercise_->network) * static_cast<double>(exercise_->rows.size()) < operations_to_share) return best;
  const double shared_bound = least_seconds() * (1 + tie_where_shared);
  for (Entrant& e : entrants_)
    if (e.candidate.backend == best->candidate.backend && e.candidate.threads > best->candidate.threads &&
        e.candidate.seconds <= shared_bound)
      best = &e;
  return best;
}

Tuning Tuner::run(const std::string& last_resort, int threads) {
  for (Entrant& entrant : entrants_) prepare(entrant);
  std::vector<std::shared_ptr<Rig>> rigs;  // of those that are left behind, too
  for (const Entrant& entrant : entrants_) rigs.push_back(entrant.rig);
  race();
  Entrant* best = fastest();
  // One that was right when it was looked at first is looked at again.
  while (best && best->watched) {
    best->rig = rigs[static_cast<size_t>(best - entrants_.data())];
    const double limit = std::max(most_patience, first_patience_factor * first_preparation_);
    if (attempt(*best, [](Rig& r, int64_t) { r.check(); }, 0, Duration(limit))) break;
    best = fastest();
  }
  Tuning result;
  result.steps = steps_;
  const double bound = tie_bound();
  for (Entrant& entrant : entrants_) {
    Candidate& c = entrant.candidate;
    if (&entrant == best)
      c.verdict = "chosen";
    else if (c.seconds <= bound)
      c.verdict = c.threads > best->candidate.threads ? "as fast, with more threads" : "as fast";
    else if (std::isfinite(c.seconds))
      c.verdict = factor_text(c.seconds / best->candidate.seconds);
    result.candidates.push_back(c);
  }
  if (!best) result.candidates.push_back({.backend = last_resort, .threads = threads, .verdict = "chosen: all others are out"});
  result.backend = best ? best->candidate.backend : last_resort;
  result.threads = best ? best->candidate.threads : threads;
  std::stable_sort(result.candidates.begin(), result.candidates.end(), [](const Candidate& a, const Candidate& b) {
    return (std::isfinite(a.seconds) ? a.seconds : forever) < (std::isfinite(b.seconds) ? b.seconds : forever);
  });
  return result;
}

}  // namespace plexus

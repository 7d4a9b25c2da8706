#include "plexus/trainer/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <sstream>

#include "plexus/core/error.h"

namespace plexus {
namespace {

// Lengths of cycles stay whole numbers of 64 bits; nobody needs the second one a thousand times as long.
constexpr int64_t most_growth = 1000;

/// From `start` to `end` along half a cosine, at `share` of the way. As a square: 1 + cos would lose all
/// digits near the end.
double along_cosine(double start, double end, double share) {
  const double c = std::sin((1 - share) * (std::numbers::pi / 2));
  return end + (start - end) * c * c;
}

/// Epochs from the beginning, with the fraction of the one that is running.
double time_of(const SchedulePosition& p) {
  return static_cast<double>(p.epoch) + static_cast<double>(p.step) / static_cast<double>(p.steps);
}

double epochs_of(int64_t epochs, const SchedulePosition& p) {
  return static_cast<double>(epochs > 0 ? epochs : p.epochs);
}

double factor_of(const ConstantRate&, const SchedulePosition&) { return 1; }

double factor_of(const StepDecay& s, const SchedulePosition& p) {
  return std::pow(s.factor, static_cast<double>(p.epoch / s.every));
}

double factor_of(const MultiStepDecay& s, const SchedulePosition& p) {
  const auto passed = std::upper_bound(s.milestones.begin(), s.milestones.end(), p.epoch);
  return std::pow(s.factor, static_cast<double>(passed - s.milestones.begin()));
}

double factor_of(const ExponentialDecay& s, const SchedulePosition& p) {
  return std::pow(s.factor, static_cast<double>(p.epoch));
}

double factor_of(const CosineDecay& s, const SchedulePosition& p) {
  return along_cosine(1, s.minimum, std::min(time_of(p) / epochs_of(s.epochs, p), 1.0));
}

double factor_of(const CosineRestarts& s, const SchedulePosition& p) {
  // Cycles begin with an epoch: which one it is, is a matter of whole numbers.
  int64_t begin = 0, length = s.epochs;
  if (s.growth == 1)
    begin = p.epoch / length * length;
  else
    while (p.epoch - begin >= length) begin += length, length *= s.growth;
  const double within =
      static_cast<double>(p.epoch - begin) + static_cast<double>(p.step) / static_cast<double>(p.steps);
  return along_cosine(1, s.minimum, within / static_cast<double>(length));
}

double factor_of(const OneCycle& s, const SchedulePosition& p) {
  const double all = epochs_of(s.epochs, p) * static_cast<double>(p.steps);
  const double t = static_cast<double>(p.epoch * p.steps + p.step);
  // PyTorch's turning points: the steps that are the last of their part.
  const double top = s.rising * all - 1, end = all - 1;
  if (t <= top) return along_cosine(s.initial, 1, top > 0 ? t / top : 1);
  return along_cosine(1, s.final, t < end ? (t - top) / (end - top) : 1);
}

double factor_of(const CustomSchedule& s, const SchedulePosition& p) {
  const double factor = s.factor(p);
  if (factor >= 0 && std::isfinite(factor)) return factor;
  std::ostringstream text;
  text << "schedule: the custom one returned " << factor << " for epoch " << p.epoch << ", step " << p.step
       << ": return 0 or more";
  throw ArgumentError(text.str());
}

void require(bool good, const char* schedule, const char* setting, double value, const char* remedy) {
  if (good) return;
  std::ostringstream text;
  text << "schedule " << schedule << ": " << setting << ' ' << value << ": " << remedy;
  throw ArgumentError(text.str());
}

bool is_factor(double value) { return value > 0 && std::isfinite(value); }
bool is_share(double value) { return value >= 0 && value <= 1; }

void check_one(const ConstantRate&) {}
void check_one(const StepDecay& s) {
  require(s.every >= 1, "step", "every", static_cast<double>(s.every), "choose 1 epoch or more");
  require(is_factor(s.factor), "step", "factor", s.factor, "choose one above 0");
}
void check_one(const MultiStepDecay& s) {
  int64_t before = 0;
  for (const int64_t milestone : s.milestones) {
    require(milestone > before, "multistep", "milestone", static_cast<double>(milestone),
            "choose epochs from 1 on, ascending");
    before = milestone;
  }
  require(is_factor(s.factor), "multistep", "factor", s.factor, "choose one above 0");
}
void check_one(const ExponentialDecay& s) {
  require(is_factor(s.factor), "exponential", "factor", s.factor, "choose one above 0");
}
void check_one(const CosineDecay& s) {
  require(s.epochs >= 0, "cosine", "epochs", static_cast<double>(s.epochs), "choose 0 (all) or more");
  require(is_share(s.minimum), "cosine", "minimum", s.minimum, "choose one in [0, 1]");
}
void check_one(const CosineRestarts& s) {
  require(s.epochs >= 1, "restarts", "epochs", static_cast<double>(s.epochs), "choose 1 or more");
  require(s.growth >= 1 && s.growth <= most_growth, "restarts", "growth", static_cast<double>(s.growth),
          "choose one from 1 to 1000");
  require(is_share(s.minimum), "restarts", "minimum", s.minimum, "choose one in [0, 1]");
}
void check_one(const OneCycle& s) {
  require(s.epochs >= 0, "onecycle", "epochs", static_cast<double>(s.epochs), "choose 0 (all) or more");
  require(is_share(s.rising), "onecycle", "rising", s.rising, "choose one in [0, 1]");
  require(is_share(s.initial), "onecycle", "initial", s.initial, "choose one in [0, 1]");
  require(is_share(s.final), "onecycle", "final", s.final, "choose one in [0, 1]");
}
void check_one(const CustomSchedule& s) {
  if (!s.factor) throw ArgumentError("schedule: the custom one has no function: give it one");
}

void print(std::ostream& out, const ConstantRate&) { out << "constant"; }
void print(std::ostream& out, const StepDecay& s) {
  out << "step, " << s.factor << " every " << s.every << (s.every == 1 ? " epoch" : " epochs");
}
void print(std::ostream& out, const MultiStepDecay& s) {
  out << "multistep, " << s.factor << " at epochs";
  for (const int64_t milestone : s.milestones) out << ' ' << milestone;
}
void print(std::ostream& out, const ExponentialDecay& s) {
  out << "exponential, " << s.factor << " an epoch";
}
void print(std::ostream& out, const CosineDecay& s) {
  out << "cosine";
  if (s.epochs > 0) out << " over " << s.epochs << " epochs";
  if (s.minimum > 0) out << " down to " << s.minimum;
}
void print(std::ostream& out, const CosineRestarts& s) {
  out << "cosine with restarts, first after " << s.epochs << (s.epochs == 1 ? " epoch" : " epochs");
  if (s.growth > 1) out << ", growing by " << s.growth;
  if (s.minimum > 0) out << ", down to " << s.minimum;
}
void print(std::ostream& out, const OneCycle& s) {
  out << "one cycle";
  if (s.epochs > 0) out << " of " << s.epochs << " epochs";
}
void print(std::ostream& out, const CustomSchedule&) { out << "custom"; }

}  // namespace

void check(const Schedule& schedule) {
  std::visit([](const auto& s) { check_one(s); }, schedule);
}

double factor(const Schedule& schedule, const SchedulePosition& position) {
  return std::visit([&](const auto& s) { return factor_of(s, position); }, schedule);
}

bool changes_within_epoch(const Schedule& schedule) {
  return std::holds_alternative<CosineDecay>(schedule) || std::holds_alternative<CosineRestarts>(schedule) ||
         std::holds_alternative<OneCycle>(schedule) || std::holds_alternative<CustomSchedule>(schedule);
}

double warmup_factor(int64_t steps, const SchedulePosition& position) {
  const int64_t done = position.epoch * position.steps + position.step + 1;
  return done >= steps ? 1 : static_cast<double>(done) / static_cast<double>(steps);
}

std::string to_string(const Schedule& schedule) {
  std::ostringstream text;
  std::visit([&](const auto& s) { print(text, s); }, schedule);
  return text.str();
}

}  // namespace plexus

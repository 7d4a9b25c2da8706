#include "plexus/cli/schedule.h"

#include <charconv>
#include <functional>
#include <map>
#include <sstream>

#include "plexus/cli/flags.h"
#include "plexus/cli/suggestion.h"
#include "plexus/core/error.h"

namespace plexus::cli {
namespace {

/// The settings behind a name, "30:0.1": each may be left out from the end.
class Settings {
 public:
  explicit Settings(const std::optional<std::string>& text) {
    if (!text) return;
    std::istringstream stream(*text + ":");
    for (std::string word; std::getline(stream, word, ':');) words_.push_back(word);
  }

  template <class T>
  void read(T& value) {
    if (next_ >= words_.size()) return;
    value = parsed<T>(words_[next_++]);
  }
  /// "30,60,80"
  void read(std::vector<int64_t>& values) {
    if (next_ >= words_.size()) throw ArgumentError("expected epochs, as in 30,60");
    std::istringstream stream(words_[next_++] + ",");
    for (std::string word; std::getline(stream, word, ',');) values.push_back(parsed<int64_t>(word));
  }
  void end() const {
    if (next_ < words_.size()) throw ArgumentError("'" + words_[next_] + "' is one setting too many");
  }

 private:
  template <class T>
  static T parsed(const std::string& word) {
    T value{};
    const char* end = word.data() + word.size();
    const auto result = std::from_chars(word.data(), end, value);
    if (result.ec != std::errc() || result.ptr != end)
      throw ArgumentError(std::string("expected ") + (std::is_integral_v<T> ? "a whole number" : "a number") +
                          ", found '" + word + "'");
    return value;
  }

  std::vector<std::string> words_;
  size_t next_ = 0;
};

template <class S>
Schedule make(Settings& settings, S schedule, auto... members) {
  (settings.read(schedule.*members), ...);
  return schedule;
}

using Maker = std::function<Schedule(Settings&)>;
const std::map<std::string, Maker> makers = {
    {"constant", [](Settings& s) { return make(s, ConstantRate{}); }},
    {"step", [](Settings& s) { return make(s, StepDecay{}, &StepDecay::every, &StepDecay::factor); }},
    {"multistep",
     [](Settings& s) {
       return make(s, MultiStepDecay{}, &MultiStepDecay::milestones, &MultiStepDecay::factor);
     }},
    {"exponential", [](Settings& s) { return make(s, ExponentialDecay{}, &ExponentialDecay::factor); }},
    {"cosine", [](Settings& s) { return make(s, CosineDecay{}, &CosineDecay::minimum); }},
    {"restarts",
     [](Settings& s) {
       return make(s, CosineRestarts{}, &CosineRestarts::epochs, &CosineRestarts::growth,
                   &CosineRestarts::minimum);
     }},
    {"onecycle", [](Settings& s) { return make(s, OneCycle{}, &OneCycle::rising); }},
};
const std::string plateau = "plateau";

std::vector<std::string> names() {
  std::vector<std::string> result;
  for (const auto& [name, maker] : makers) result.push_back(name);
  result.push_back(plateau);
  return result;
}

}  // namespace

void add_flags(App& app, ScheduleFlags& flags) {
  app.add_option("--schedule", flags.schedule,
                 "How the learning rate changes: constant, step=EVERY:FACTOR, multistep=E,E,...:FACTOR, "
                 "exponential=FACTOR, cosine=MINIMUM, restarts=EPOCHS:GROWTH:MINIMUM, onecycle=RISING, "
                 "plateau=PATIENCE:FACTOR; settings may be left out (default: constant)")
      .type_name("NAME[=...]");
  app.add_option("--warmup", flags.warmup_steps,
                 "First steps, in which the learning rate rises from 0 (default: 0)")
      .type_name("N")
      .check(whole_number(0));
  app.add_option("--early-stopping", flags.patience,
                 "End after N epochs in which the validation loss was no better, with the best weights")
      .type_name("N")
      .check(whole_number(1));
  app.add_option("--ema", flags.ema_decay,
                 "Keep the moving average of the weights with this decay, such as 0.999 (default: off)")
      .type_name("DECAY")
      .check(fraction(true));
  app.add_option("--log", flags.log, "Write a line an epoch to FILE (.csv or .jsonl)").type_name("FILE");
}

ChosenSchedule::ChosenSchedule(const ScheduleFlags& flags, bool validation) : flags_(flags) {
  const size_t equals = flags.schedule.find('=');
  const std::string name = flags.schedule.substr(0, equals);
  const auto maker = makers.find(name);
  if (maker == makers.end() && name != plateau)
    throw ArgumentError("--schedule: no such schedule" + did_you_mean(name, names()) +
                        "; schedules: " + join(names()));
  const auto watch = [&](const std::string& flag) {
    if (!validation) throw ArgumentError(flag + " watches the validation loss: leave --validation above 0");
  };
  try {
    Settings settings(equals == std::string::npos ? std::nullopt
                                                  : std::optional(flags.schedule.substr(equals + 1)));
    if (maker != makers.end()) {
      schedule_ = maker->second(settings);
      check(schedule_);
    } else {
      ReduceOnPlateauOptions options;
      settings.read(options.patience);
      settings.read(options.factor);
      plateau_ = std::make_unique<ReduceOnPlateau>(options);
    }
    settings.end();
  } catch (const ArgumentError& error) {
    throw ArgumentError("--schedule: '" + flags.schedule + "': " + error.what());
  }
  if (plateau_) watch("--schedule plateau");
  if (flags.patience) {
    watch("--early-stopping");
    early_stopping_ = std::make_unique<EarlyStopping>(EarlyStoppingOptions{.patience = *flags.patience});
  }
  try {
    if (!flags.log.empty()) log_ = std::make_unique<TrainingLog>(flags.log);
  } catch (const ArgumentError& error) {
    throw ArgumentError(std::string("--log: ") + error.what());
  }
}

std::vector<Callback*> ChosenSchedule::callbacks() {
  std::vector<Callback*> result;
  for (Callback* callback :
       std::initializer_list<Callback*>{plateau_.get(), early_stopping_.get(), log_.get()})
    if (callback) result.push_back(callback);
  return result;
}

std::string ChosenSchedule::describe() const {
  std::ostringstream text;
  if (plateau_)
    text << ", reduced on plateaus";
  else if (!std::holds_alternative<ConstantRate>(schedule_))
    text << ", " << to_string(schedule_);
  if (flags_.warmup_steps > 0) text << ", warm-up of " << flags_.warmup_steps << " steps";
  if (flags_.ema_decay > 0) text << ", moving average " << flags_.ema_decay;
  if (flags_.patience)
    text << ", early stopping after " << *flags_.patience << (*flags_.patience == 1 ? " epoch" : " epochs");
  return text.str();
}

}  // namespace plexus::cli

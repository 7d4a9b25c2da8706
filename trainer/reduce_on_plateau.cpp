#include "plexus/trainer/reduce_on_plateau.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "plexus/core/error.h"
#include "plexus/trainer/callback_state.h"

namespace plexus {

ReduceOnPlateau::ReduceOnPlateau(ReduceOnPlateauOptions options) : options_(options) {
  const auto require = [](bool good, const char* setting, double value, const char* remedy) {
    if (good) return;
    std::ostringstream text;
    text << "reduce on plateau: " << setting << ' ' << value << ": " << remedy;
    throw ArgumentError(text.str());
  };
  require(options.factor > 0 && options.factor < 1, "factor", options.factor, "choose one in (0, 1)");
  require(options.patience >= 0, "patience", static_cast<double>(options.patience),
          "choose 0 or more epochs");
  require(options.threshold >= 0 && options.threshold < 1, "threshold", options.threshold,
          "choose one in [0, 1)");
  require(options.cooldown >= 0, "cooldown", static_cast<double>(options.cooldown),
          "choose 0 or more epochs");
  require(options.minimum >= 0 && options.minimum <= 1, "minimum", options.minimum, "choose one in [0, 1]");
}

bool ReduceOnPlateau::on_epoch(const Epoch& epoch) {
  const double now = value(options_.monitor, epoch, "reduce on plateau");
  const bool better = epochs_ == 0 || (rises(options_.monitor) ? now > best_ * (1 + options_.threshold)
                                                               : now < best_ * (1 - options_.threshold));
  ++epochs_;
  if (better) best_ = now;
  waited_ = better ? 0 : waited_ + 1;
  if (cooling_ > 0) {
    --cooling_;
    waited_ = 0;
  }
  if (waited_ > options_.patience) {
    factor_ = std::max(factor_ * options_.factor, options_.minimum);
    cooling_ = options_.cooldown;
    waited_ = 0;
  }
  return false;
}

std::string ReduceOnPlateau::name() const { return "reduce_on_plateau." + to_string(options_.monitor); }

std::string ReduceOnPlateau::state() const {
  return CallbackState()
      .set("factor", factor_)
      .set("best", best_)
      .set("epochs", epochs_)
      .set("waited", waited_)
      .set("cooling", cooling_)
      .text();
}

void ReduceOnPlateau::restore(const std::string& state) {
  const CallbackState read(name(), state);
  ReduceOnPlateau restored(options_);
  restored.factor_ = read.number("factor"), restored.best_ = read.number("best");
  restored.epochs_ = read.count("epochs"), restored.waited_ = read.count("waited");
  restored.cooling_ = read.count("cooling");
  if (!(restored.factor_ >= 0 && restored.factor_ <= 1))
    throw FormatError("state of callback '" + name() + "'", "", "expected a 'factor' in [0, 1]");
  *this = restored;
}

}  // namespace plexus

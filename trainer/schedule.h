// Schedules: how the learning rate changes in the course of training.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "plexus/export.h"

namespace plexus {

/// Where a step stands in a training. All counts from 0; with accumulation a step is an update.
struct SchedulePosition {
  int64_t epoch = 0, step = 0;    ///< the step within its epoch
  int64_t epochs = 1, steps = 1;  ///< epochs of the whole training, steps of an epoch
};

// Each gives a factor of the optimizer's learning rate, as a pure function of the position: there is no state, and a run that
// is resumed goes on by itself. `epochs = 0`: of the whole training, which ends with the call of fit that is running; who trains
// in several calls says how long it is. Formulas are PyTorch's unless noted; e: epoch, t: step of the training.

/// The optimizer's learning rate throughout.
struct ConstantRate {};
/// factor^floor(e / every). PyTorch's StepLR, stepped after each epoch.
struct StepDecay {
  int64_t every = 30;             ///< epochs; no default in PyTorch, 30 in its example
  double factor = 0.1;
};
/// factor^(how many of the milestones are <= e). PyTorch's MultiStepLR, stepped after each epoch.
struct MultiStepDecay {
  std::vector<int64_t> milestones = {};  ///< epochs, ascending
  double factor = 0.1;
};
/// factor^e. PyTorch's ExponentialLR, stepped after each epoch.
struct ExponentialDecay {
  double factor = 0.95;           ///< an epoch; no default in PyTorch
};
/// From 1 to `minimum` along half a cosine, step by step, then minimum (PyTorch's CosineAnnealingLR would rise again; Keras'
/// CosineDecay stays). Loshchilov, Hutter 2017.
struct CosineDecay {
  int64_t epochs = 0;
  double minimum = 0;             ///< a share of the optimizer's learning rate; PyTorch's eta_min is a rate
};
/// The same over and over, each cycle `growth` times as long as the one before. PyTorch's CosineAnnealingWarmRestarts, stepped
/// after each step with fractions of an epoch.
struct CosineRestarts {
  int64_t epochs = 10;            ///< of the first cycle; no default in PyTorch
  int64_t growth = 1;             ///< at most 1000
  double minimum = 0;
};
/// Up from `initial` to 1 during the `rising` part of the training, then down to `final`, along cosines, step by step. PyTorch's
/// OneCycleLR; the optimizer's learning rate is its max_lr, and momentum stays as it is. Smith, Topin 2018.
struct OneCycle {
  int64_t epochs = 0;
  double rising = 0.3;
  double initial = 1.0 / 25;
  double final = 1.0 / 25 / 1e4;
};
/// Whatever `factor` returns, called before every step. Not NaN, not negative.
struct CustomSchedule {
  std::function<double(const SchedulePosition&)> factor = {};
};

using Schedule = std::variant<ConstantRate, StepDecay, MultiStepDecay, ExponentialDecay, CosineDecay, CosineRestarts,
                              OneCycle, CustomSchedule>;

/// Throws ArgumentError for settings out of range, naming the schedule.
PLEXUS_EXPORT void check(const Schedule& schedule);
/// The share of the optimizer's learning rate at this position, whose epoch and step are in range. Throws ArgumentError where a
/// CustomSchedule returns NaN, infinity or less than 0.
PLEXUS_EXPORT double factor(const Schedule& schedule, const SchedulePosition& position);
/// It is different for the steps of an epoch.
PLEXUS_EXPORT bool changes_within_epoch(const Schedule& schedule);
/// The factor of a linear warm-up over the first `steps` steps: 1/steps at the first, 1 at the last and from there on. It
/// multiplies the schedule (PyTorch: LinearLR chained with it), so that milestones stay at their epochs.
PLEXUS_EXPORT double warmup_factor(int64_t steps, const SchedulePosition& position);
/// "cosine", "step, 0.1 every 30 epochs"
PLEXUS_EXPORT std::string to_string(const Schedule& schedule);

}  // namespace plexus

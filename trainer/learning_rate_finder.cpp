#include "plexus/trainer/learning_rate_finder.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "plexus/backends/registry.h"
#include "plexus/core/error.h"

namespace plexus {
namespace {


// fastai's: a loss four times the lowest does not come back. What is seen while the test runs is an
// exponential mean over about ten steps, so that no single batch ends it.
constexpr double divergence = 4, kept = 0.9;

// The slope at a step is taken over its neighbours: this share of all steps on either side. Narrower, it
// follows single batches; wider, it does not see where a descent ends.
constexpr double neighbourhood = 0.05;

constexpr int64_t fewest_steps = 20;  // the neighbourhood is one step then

/// Raises the rate, and writes down what comes of it.
class Sweep final : public Callback {
 public:
  Sweep(const RangeTestOptions& options, double optimizer_rate)
      : options_(options), optimizer_rate_(optimizer_rate) {}

  double learning_rate_factor() const override { return rate() / optimizer_rate_; }

  void on_train_begin(Sequential&, const Progress&) override { begun_ = true; }

  bool on_step(const Progress& progress) override {
    const double rate = this->rate();
    steps_.push_back({rate, progress.loss, NAN});
    mean_ = kept * mean_ + (1 - kept) * progress.loss;
    const double mean = mean_ / (1 - std::pow(kept, static_cast<double>(steps_.size())));
    if (steps_.size() == 1) first_ = mean;
    lowest_ = std::min(lowest_, mean);
    diverged_ = mean > divergence * lowest_ && mean > first_;
    return diverged_ || std::ssize(steps_) == options_.steps;
  }

  bool begun() const { return begun_; }
  bool diverged() const { return diverged_; }
  std::vector<RangeTest::Step> steps() && { return std::move(steps_); }

 private:
  double rate() const {
    const double at = static_cast<double>(steps_.size()) / static_cast<double>(options_.steps - 1);
    return options_.from * std::pow(options_.to / options_.from, at);
  }

  RangeTestOptions options_;
  double optimizer_rate_, mean_ = 0, first_ = 0, lowest_ = std::numeric_limits<double>::infinity();
  bool begun_ = false, diverged_ = false;
  std::vector<RangeTest::Step> steps_;
};

/// Fills in what follows from the losses.
void judge(RangeTest& test, const RangeTestOptions& options) {
  auto& steps = test.steps;
  const int64_t count = std::ssize(steps);
  const int64_t reach = std::llround(neighbourhood * static_cast<double>(options.steps));
  const auto at = [&](int64_t i) -> RangeTest::Step& { return steps[static_cast<size_t>(i)]; };
  for (int64_t i = 0; i < count; ++i) {
    const int64_t near = std::min({reach, i, count - 1 - i});  // symmetric, so that it does not lag
    double sum = 0;
    for (int64_t j = i - near; j <= i + near; ++j) sum += at(j).loss;
    at(i).smoothed = sum / static_cast<double>(2 * near + 1);
  }
  // The mean at the very ends is that of few batches: not for judging.
  int64_t lowest = reach;
  for (int64_t i = reach; i < count - reach; ++i)
    if (at(i).smoothed < at(lowest).smoothed) lowest = i;
  double steepest = 0;
  for (int64_t i = reach; i <= lowest && i + reach < count; ++i) {
    const double fall = at(i - reach).smoothed - at(i + reach).smoothed;
    if (fall > steepest) steepest = fall, test.suggestion = at(i).learning_rate;
  }
  if (steepest > 0) test.lowest = at(lowest).learning_rate;
}

}  // namespace

RangeTest find_learning_rate(const Sequential& network, const Dataset& data, const TrainerOptions& settings,
                             const FitOptions& fit, const RangeTestOptions& options) {
  return find_learning_rate(network, data, settings, fit, options,
                            make_inference_context({.backend = settings.backend, .threads = settings.threads}));
}

RangeTest find_learning_rate(const Sequential& network, const Dataset& data, const TrainerOptions& settings,
                             const FitOptions& fit, const RangeTestOptions& options, const Context& context) {
  if (!(options.from > 0 && options.to > options.from && std::isfinite(options.to)))
    throw ArgumentError("find_learning_rate: from " + std::to_string(options.from) + " to " +
                        std::to_string(options.to) + ": choose two positive rates, the larger one last");
  if (options.steps < fewest_steps)
    throw ArgumentError("find_learning_rate: " + std::to_string(options.steps) + " steps: choose " +
                        std::to_string(fewest_steps) + " or more");
  const double rate = learning_rate(settings.optimizer);
  if (!(rate > 0)) throw ArgumentError("find_learning_rate: the optimizer's learning rate must be above 0");

  TrainerOptions sweeping = settings;
  sweeping.schedule = ConstantRate{};
  sweeping.warmup_steps = 0;
  sweeping.ema_decay = 0;
  Sweep sweep(options, rate);
  FitOptions all = fit;
  all.callbacks.push_back(&sweep);
  all.validation.reset();
  all.validation_fraction = 0;
  all.checkpoints = {};
  all.epochs = options.steps;  // each has one step at least
  RangeTest test{.steps = {}, .suggestion = NAN, .lowest = NAN};
  Sequential copy = network.clone();
  Trainer trainer(copy, sweeping, context);
  try {
    trainer.fit(data, all);
  } catch (const DataError&) {
    if (!sweep.begun()) throw;
    test.diverged = true;  // the loss was not finite
  }
  test.diverged = test.diverged || sweep.diverged();
  test.steps = std::move(sweep).steps();
  judge(test, options);
  return test;
}

}  // namespace plexus

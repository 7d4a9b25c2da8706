#include "plexus/trainer/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "plexus/backends/registry.h"
#include "plexus/core/error.h"
#include "plexus/core/profile.h"
#include "plexus/trainer/batches.h"
#include "plexus/trainer/callback_list.h"
#include "plexus/trainer/checkpointer.h"
#include "plexus/trainer/divergence.h"
#include "plexus/trainer/evaluator.h"
#include "plexus/trainer/prefetch.h"
#include "plexus/trainer/preflight.h"
#include "plexus/trainer/preprocessing.h"
#include "plexus/trainer/settings.h"
#include "plexus/trainer/split.h"
#include "plexus/trainer/suspicion.h"
#include "plexus/trainer/training_step.h"
#include "plexus/trainer/tuning.h"
#include "plexus/trainer/weight_average.h"

namespace plexus {
namespace {

using Clock = std::chrono::steady_clock;


// Epochs whose record is allocated before the first step, so that training itself allocates nothing: 400 kB.
// More are possible.
constexpr int64_t reserved_epochs = 10000;

void check_options(const TrainerOptions& options) {
  if (!(options.clip_norm >= 0 && std::isfinite(options.clip_norm)))
    throw ArgumentError("trainer: clip_norm " + std::to_string(options.clip_norm) +
                        ": choose 0 (off) or more");
  const auto require_amount = [](const char* name, double value) {
    if (!(value >= 0 && std::isfinite(value)))
      throw ArgumentError("trainer: " + std::string(name) + " " + std::to_string(value) +
                          ": choose 0 (off) or more");
  };
  require_amount("clip_value", options.clip_value);
  require_amount("l1", options.l1);
  require_amount("l2", options.l2);
  require_amount("max_norm", options.max_norm);
  if (options.clip_norm > 0 && options.clip_value > 0)
    throw ArgumentError("trainer: clip_norm and clip_value: choose one of them");
  check_settings(options.loss);
  if (options.accumulate < 1)
    throw ArgumentError("trainer: accumulate " + std::to_string(options.accumulate) + ": choose 1 or more");
  if (options.warmup_steps < 0)
    throw ArgumentError("trainer: " + std::to_string(options.warmup_steps) +
                        " warm-up steps: choose 0 (off) or more");
  check(options.schedule);
  if (!(options.ema_decay >= 0 && options.ema_decay < 1))
    throw ArgumentError("trainer: ema_decay " + std::to_string(options.ema_decay) +
                        ": choose 0 (off) or one below 1");
}

void check_options(const FitOptions& options) {
  const double fraction = options.validation_fraction;
  if (options.epochs < 0)
    throw ArgumentError("fit: " + std::to_string(options.epochs) + " epochs: choose 0 or more");
  if (!options.full_batch && options.batch_size < 1)
    throw ArgumentError("fit: batch size " + std::to_string(options.batch_size) + ": choose 1 or more");
  if (!(fraction >= 0 && fraction < 1))
    throw ArgumentError("fit: validation fraction " + std::to_string(fraction) + ": choose one in [0, 1)");
  if (fraction > 0 && options.validation)
    throw ArgumentError("fit: validation fraction and validation set: give one of them");
}

}  // namespace

struct Trainer::State {
  State(Sequential& n, TrainerOptions o, Context c)
      : network(&n),
        options(std::move(o)),
        context(std::move(c)),
        evaluator(context, n, options.loss),
        divergence(n) {
    make_spec(options.optimizer);  // its settings are checked here, before there are data
    check_options(options);
    labels = std::holds_alternative<SoftmaxCrossEntropy>(options.loss);
  }

  /// Its classes are those that the network was fitted to.
  void check_classes(const Dataset& data) const;
  Dataset encoded(const Dataset& data) const { return plexus::encoded(*network, data); }
  /// Rows to predict from: of the network's shape, encoded.
  Dataset inputs(const Dataset& data) const;
  void require_ready(const char* caller) const;
  /// The network is ready, and these are rows of its shape.
  void check_rows(const char* caller, const Tensor& rows) const;
  /// What the backend "auto" stands for: in the checkpoint to go on from, else in the cache, else measured.
  void tune(const Dataset& train, const FitOptions& fit);
  void start(const Dataset& data, const FitOptions& fit, const Dataset* validation);
  TrainingStep& step_for(int64_t batch, int64_t tail);
  /// Trains one epoch, from where it stands to its end; false: a callback stopped it. `checkpoints`: null
  /// where there are none.
  bool train(const Dataset& data, const FitOptions& fit, std::vector<int64_t>& order, CallbackList& callbacks,
             Checkpointer* checkpoints, Position& at, const History& history);

  Sequential* network;
  TrainerOptions options;
  Context context;
  std::optional<ContextOptions> automatic;  // the backend is auto: what is asked of a context beside it
  std::optional<Tuning> tuning;             // what came of that
  Evaluator evaluator;
  Divergence divergence;
  std::unique_ptr<TrainingStep> step;
  std::optional<WeightAverage> average;
  bool weighted = false;  // rows of the last data have weights
  bool labels;            // targets are class numbers: of the last data, before it what the loss suggests
  int64_t epochs = 0;     // begun so far
  bool started = false;
};

void Trainer::State::check_classes(const Dataset& data) const {
  const std::vector<std::string>& classes = network->schema().classes;
  if (data.classes() > 0 && !classes.empty() && data.class_names() != classes)
    throw DataError(
        "data: its classes are not those of the training data: number both alike "
        "(TableOptions::class_names)");
}

Dataset Trainer::State::inputs(const Dataset& data) const {
  const Shape& wanted = network->input_shape();
  if (!(data.feature_shape() == wanted))
    throw ShapeError("predict: rows of shape " + to_string(data.feature_shape()) + ", the network takes " +
                     to_string(wanted) + ": give the columns it was trained on");
  return encoded(data);
}

void Trainer::State::require_ready(const char* caller) const {
  if (!network->built())
    throw ArgumentError(std::string(caller) + ": the network is not built: fit it first");
  network->require_fitted();
}

void Trainer::State::check_rows(const char* caller, const Tensor& rows) const {
  require_ready(caller);
  const Shape& wanted = network->input_shape();
  if (rows.shape().rank() == 0 || !(rows.shape().row() == wanted))
    throw ShapeError(std::string(caller) + ": rows of shape " + to_string(rows.shape()) +
                     ", the network takes [n] x " + to_string(wanted) + ": reshape them");
}

/// The first call of fit, all checks passed.
void Trainer::State::start(const Dataset& data, const FitOptions& fit, const Dataset* validation) {
  const bool fresh = !network->built();
  learn_categories(*network, data);
  const Dataset train = encoded(data);
  network->build(train.feature_shape(), options.seed);
  if (fit.diagnosis) {
    const std::optional<Dataset> rows = validation ? std::optional(encoded(*validation)) : std::nullopt;
    for (const Finding& finding : suspicions(*network, fresh, options, fit, train, rows ? &*rows : nullptr, nullptr))
      context.log(LogLevel::warning, to_string(finding));
  }
  fit_preprocessing(*network, train);
  Schema& schema = network->schema();
  schema.classes = train.class_names();
  if (!train.column_names().empty()) schema.columns = train.column_names();
  schema.targets = train.target_names();
}

void Trainer::State::tune(const Dataset& train, const FitOptions& fit) {
  if (!automatic || tuning) return;
  Tuning found = plexus::tune(*network, options, train, fit, {.context = *automatic});
  ContextOptions chosen = *automatic;
  chosen.backend = found.backend;
  chosen.threads = found.threads;
  context = make_context(chosen);
  evaluator = Evaluator(context, *network, options.loss);
  step.reset();
  tuning = std::move(found);
  context.log(LogLevel::choice, "auto: " + to_string(*tuning));
}

TrainingStep& Trainer::State::step_for(int64_t batch, int64_t tail) {
  if (!step || !step->made_for(batch, tail, labels, weighted)) {
    step.reset();
    step = std::make_unique<TrainingStep>(context, *network, options, batch, tail, labels, weighted);
  }
  return *step;
}

bool Trainer::State::train(const Dataset& data, const FitOptions& fit, std::vector<int64_t>& order,
                           CallbackList& callbacks, Checkpointer* checkpoints, Position& at,
                           const History& history) {
  Progress& progress = at.progress;
  if (fit.shuffle) shuffle(order, fit.seed, progress.epoch);
  step->set_augmentation(fit.augmentation, data.feature_shape(), fit.seed, progress.epoch);
  const int64_t first = progress.rows;  // not 0 where the epoch is resumed
  Prefetch prefetch(data, std::span(order).subspan(static_cast<size_t>(first)));
  const double full = learning_rate(options.optimizer);
  const bool by_step = changes_within_epoch(options.schedule);
  SchedulePosition position{
      .epoch = progress.epoch - 1, .step = progress.step, .epochs = progress.epochs, .steps = progress.steps};
  double scheduled = by_step ? full : full * factor(options.schedule, position);
  bool stop = false;
  while (progress.rows < data.size() && !stop) {
    const int64_t count = std::min(step->rows(), data.size() - progress.rows);
    position.step = progress.step++;
    if (by_step) scheduled = full * factor(options.schedule, position);
    progress.learning_rate =
        scheduled * warmup_factor(options.warmup_steps, position) * callbacks.learning_rate_factor();
    step->set_learning_rate(progress.learning_rate);
    callbacks.on_step_begin(progress);
    divergence.before_step();
    const auto rows =
        std::span(order).subspan(static_cast<size_t>(progress.rows), static_cast<size_t>(count));
    progress.loss = step->run(data, rows);
    progress.rows += count;
    prefetch.advance(progress.rows - first);
    if (!std::isfinite(progress.loss)) throw DataError(divergence.describe(*step, data, rows, progress));
    divergence.after_step(progress.loss);
    if (average) average->update();
    at.loss_sum += progress.loss * static_cast<double>(count);
    stop = callbacks.on_step(progress);
    if (checkpoints) checkpoints->after_step(at, history, stop);
  }
  data.require_unchanged();
  return !stop;
}

Trainer::Trainer(Sequential& network, TrainerOptions options)
    : Trainer(network, options, ContextOptions{.backend = options.backend, .threads = options.threads}) {}
Trainer::Trainer(Sequential& network, TrainerOptions options, const ContextOptions& context)
    : Trainer(network, std::move(options), make_inference_context(context)) {
  if (Environment::resolve(context).backend == auto_backend) state_->automatic = context;
}
Trainer::Trainer(Sequential& network, TrainerOptions options, Context context)
    : state_(std::make_unique<State>(network, std::move(options), std::move(context))) {}
Trainer::~Trainer() = default;
Trainer::Trainer(Trainer&&) noexcept = default;
Trainer& Trainer::operator=(Trainer&&) noexcept = default;

History Trainer::fit(const Dataset& data, const FitOptions& options) {
  State& s = *state_;
  check_options(options);
  const ProfileSpan whole_fit(s.context.profile(), ProfileSpan::Kind::phase, "fit", "rows", data.size());
  data.require_unchanged();  // before a row is read
  History history;
  CallbackList callbacks(options.callbacks, history);
  const auto checked = [&](const Dataset& rows) {
    check_fit(*s.network, s.options.loss, rows);
    if (s.started) s.check_classes(rows);
    const Dataset encoded = s.encoded(rows);
    check_values(*s.network, s.options.loss, encoded);
    return encoded;
  };
  Dataset train = checked(data);
  check_learnable(train);
  check_augmentation(options.augmentation, data.feature_shape());
  std::optional<Dataset> validation = options.validation;
  if (options.validation_fraction > 0) {
    Split parts = split(train, {.test_fraction = options.validation_fraction, .seed = options.seed});
    train = std::move(parts.train);
    validation = std::move(parts.test);
    check_learnable(train);
    // What is left has values to learn means and categories from.
    if (!(*s.network)[0].in_programs()) check_values(*s.network, s.options.loss, train);
  } else if (validation) {
    validation = checked(*validation);
    if (validation->class_names() != data.class_names())
      throw DataError("fit: validation has other classes than the training data: number both alike");
  }

  if (!s.started) s.tune(train, options);
  std::optional<Checkpointer> checkpoints;
  if (!options.checkpoints.directory.empty())
    checkpoints.emplace(options.checkpoints, s.context, *s.network, options.callbacks);
  if (!s.started) s.start(train, options, validation ? &*validation : nullptr);
  train = s.encoded(train);
  if (validation) validation = s.encoded(*validation);
  s.labels = train.labels();
  s.weighted = train.has_sample_weights();
  const int64_t batch = options.full_batch ? train.size() : std::min(options.batch_size, train.size());
  TrainingStep& step = s.step_for(batch, train.size() % batch);
  if (validation) s.evaluator.prepare(s.labels);
  if (s.options.ema_decay > 0 && !s.average) s.average.emplace(s.context, *s.network, s.options.ema_decay);
  if (!s.started) {
    step.reset();
    if (s.average) s.average->reset();
  }
  s.started = true;
  step.set_seed(s.options.seed);

  std::vector<int64_t> order(static_cast<size_t>(train.size()));
  std::iota(order.begin(), order.end(), int64_t{0});
  const int64_t last = s.epochs + options.epochs;
  Progress between{
      .epoch = s.epochs, .epochs = last, .steps = (train.size() + step.rows() - 1) / step.rows()};
  std::optional<WeightsInUse> trained(std::in_place, s.average, false);
  Position at{.first_epoch = s.epochs, .progress = between};
  if (checkpoints) {
    checkpoints->begin(
        settings_json(*s.network, s.options, options, step, train, validation ? &*validation : nullptr), at,
        history);
    between.epoch = s.epochs = at.progress.epoch;
  }
  history.epochs.reserve(history.epochs.size() +
                         static_cast<size_t>(std::clamp<int64_t>(last - s.epochs + 1, 1, reserved_epochs)));
  callbacks.on_train_begin(*s.network, between);
  at.since = Clock::now();
  while (!history.stopped && (!at.whole || s.epochs < last)) {
    if (at.whole) {
      between.epoch = ++s.epochs;
      at = {.first_epoch = at.first_epoch, .progress = between, .whole = false};
      at.since = Clock::now();
      callbacks.on_epoch_begin(at.progress);
    }
    const ProfileSpan epoch(s.context.profile(), ProfileSpan::Kind::phase, "epoch", "epoch", s.epochs);
    const bool whole =
        s.train(train, options, order, callbacks, checkpoints ? &*checkpoints : nullptr, at, history);
    Epoch record{.epoch = s.epochs,
                 .train_loss = at.loss_sum / static_cast<double>(at.progress.rows),
                 .validation_loss = NAN,
                 .validation_accuracy = NAN,
                 .learning_rate = at.progress.learning_rate};
    {
      const WeightsInUse averaged(s.average, true);
      if (whole && validation) {
        const Evaluator::Score score = s.evaluator.score(*validation);
        record.validation_loss = score.loss;
        record.validation_accuracy = score.accuracy;
      }
      record.seconds = at.seconds + std::chrono::duration<double>(Clock::now() - at.since).count();
      history.epochs.push_back(record);
      at.whole = whole;
      history.stopped = !whole || callbacks.on_epoch(record);
    }
    if (checkpoints) checkpoints->after_epoch(at, history);
    if (!whole) break;
  }
  if (checkpoints) checkpoints->finish(at, history);
  trained.reset();
  callbacks.on_train_end();
  return history;
}

std::optional<Tuning> Trainer::tune(const Dataset& data, const FitOptions& options) {
  check_options(options);
  check_fit(*state_->network, state_->options.loss, data);
  state_->tune(data, options);
  return state_->tuning;
}

Evaluation Trainer::evaluate(const Dataset& data) {
  state_->require_ready("evaluate");
  check_fit(*state_->network, state_->options.loss, data);
  state_->check_classes(data);
  data.require_unchanged();
  Evaluation result = state_->evaluator.evaluate(state_->encoded(data));
  data.require_unchanged();
  return result;
}

Tensor Trainer::predict(const Tensor& rows) {
  state_->check_rows("predict", rows);
  return state_->evaluator.predict(rows);
}

Tensor Trainer::predict(const Dataset& data) {
  state_->require_ready("predict");
  return state_->evaluator.predict(state_->inputs(data));
}

Tensor Trainer::predict_classes(const Tensor& rows) {
  state_->check_rows("predict_classes", rows);
  return state_->evaluator.predict_classes(rows);
}

Tensor Trainer::predict_classes(const Dataset& data) {
  state_->require_ready("predict_classes");
  return state_->evaluator.predict_classes(state_->inputs(data));
}

const Context& Trainer::context() const { return state_->context; }
const Sequential& Trainer::network() const { return *state_->network; }

std::vector<Plan*> Trainer::plans(int64_t batch_size) {
  if (!state_->network->built()) throw ArgumentError("plan: the network is not built: build or fit it first");
  if (batch_size < 1)
    throw ArgumentError("plan: batch size " + std::to_string(batch_size) + ": choose 1 or more");
  return state_->step_for(batch_size, 0).plans();
}

std::string Trainer::plan(int64_t batch_size) {
  std::string text;
  for (const Plan* plan : plans(batch_size)) text.append(text.empty() ? "" : "\n").append(plan->table());
  return text;
}

}  // namespace plexus

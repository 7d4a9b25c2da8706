#include "plexus/cli/session.h"

#include <sstream>

#include "plexus/cli/interrupt.h"
#include "plexus/cli/loss.h"
#include "plexus/cli/model_data.h"
#include "plexus/cli/network.h"
#include "plexus/cli/suggestion.h"
#include "plexus/cli/terminal.h"
#include "plexus/core/error.h"
#include "plexus/trainer/tuning.h"

namespace plexus::cli {
namespace {

/// Small data need more passes to learn as much: 200 as scikit-learn's MLPClassifier, fewer where that is
/// more than 10000 steps, 10 where there is plenty.
int64_t default_epochs(int64_t rows, int64_t batch) {
  constexpr int64_t fewest = 10, most = 200, steps = 10000;
  const int64_t steps_of_epoch = std::max<int64_t>(1, (rows + batch - 1) / batch);
  return std::clamp(steps / steps_of_epoch, fewest, most);
}

}  // namespace

Augmentation parse_augmentation(const std::string& text) {
  Augmentation result;
  std::istringstream list(text);
  for (std::string item; std::getline(list, item, ',');) {
    const size_t equals = std::min(item.find('='), item.size());
    const std::string name = item.substr(0, equals), value = item.substr(std::min(equals + 1, item.size()));
    const bool number =
        !value.empty() && value.find_first_not_of("0123456789") == std::string::npos && value.size() < 7;
    if (name == "flip" && equals == item.size())
      result.flip = true;
    else if ((name == "crop" || name == "shift") && number)
      (name == "crop" ? result.crop : result.shift) = std::stoll(value);
    else
      throw ArgumentError("--augment: expected flip, crop=PIXELS or shift=PIXELS, found '" + item + "'" +
                          did_you_mean(name, {"flip", "crop", "shift"}));
  }
  return result;
}

Session::Session(const TrainingSetup& setup, Parts parts, uint64_t seed)
    : setup_(setup),
      parts_(std::move(parts)),
      seed_(seed),
      schedule_(setup.options().schedule, setup.options().validation > 0),
      automatic_(setup.chosen_before()) {
  const TrainOptions& options = setup.options();
  const Dataset& all = setup.data().train;
  Loss loss = setup.loss();
  measured_ = parts_.train;
  if (!setup.classify()) {
    scaling_.emplace(parts_.train);
    parts_.train = scaling_->apply(parts_.train);
    if (parts_.validation) parts_.validation = scaling_->apply(*parts_.validation);
  }
  if (auto* entropy = std::get_if<SoftmaxCrossEntropy>(&loss)) {
    entropy->label_smoothing = options.label_smoothing;
    entropy->class_weights = make_class_weights(options.class_weights, parts_.train);
  } else if (options.label_smoothing > 0 || !options.class_weights.empty()) {
    throw ArgumentError(std::string(options.label_smoothing > 0 ? "--label-smoothing" : "--class-weights") +
                        " needs classes and --loss cross-entropy, but the loss is " + to_string(loss));
  }

  const int64_t outputs = setup.classify() ? all.classes() : all.target_shape().elements();
  network_ = make_network(parse_layers(options.layers), all.feature_shape(), outputs, seed,
                          {parts_.train.categories(), setup.missing() == Missing::keep});
  set(settings_, options.regularization);
  settings_.loss = loss;
  settings_.optimizer = optimizer(options.optimizer);
  settings_.schedule = schedule_.schedule();
  settings_.warmup_steps = options.schedule.warmup_steps;
  settings_.seed = seed;
  settings_.ema_decay = options.schedule.ema_decay;
  if (setup.context())
    trainer_.emplace(network_, settings_, *setup.context());
  else
    trainer_.emplace(network_, settings_, setup.context_options());

  fit_.validation = parts_.validation;
  fit_.seed = seed;
  fit_.diagnosis = false;  // ours sees the test data too
  fit_.augmentation = parse_augmentation(options.augment);
  check_augmentation(fit_.augmentation, all.feature_shape());
  fit_.full_batch = options.batch == "full";
  fit_.batch_size = fit_.full_batch ? parts_.train.size() : std::stoll(options.batch);
  fit_.epochs = options.epochs.value_or(default_epochs(parts_.train.size(), fit_.batch_size));
}

std::string Session::training() const {
  std::ostringstream text;
  text << fit_.epochs << (fit_.epochs == 1 ? " epoch" : " epochs") << ", batches of " << fit_.batch_size
       << ", " << to_string(settings_.loss) << (scaling_ ? " of standardised targets" : "") << ", "
       << to_string(settings_.optimizer) << schedule_.describe();
  return text.str();
}

void Session::tune() {
  const auto tuning = trainer_->tune(parts_.train, fit_);
  if (!tuning) return;
  automatic_ = true;
  choice_ = to_string(*tuning);
}

void Session::describe() const {
  std::FILE* const out = setup_.out();
  if (!choice_.empty()) std::fprintf(out, "auto      %s\n", choice_.c_str());
  setup_.describe(parts_);
  const int threads = context().executor().threads();
  std::fprintf(out, "training  %s\n", training().c_str());
  std::fprintf(out, "backend   %s, %d thread%s, seed %llu\n\n", context().chosen().name().c_str(),
               threads, threads == 1 ? "" : "s", (unsigned long long)seed_);
  std::fprintf(out, "%s\n", network_.summary().c_str());
  std::fflush(out);
}

void Session::diagnose() {
  diagnosis_.begin(network_, settings_, *measured_, parts_.train, parts_.test, context(), fit_);
}

void Session::train(std::FILE* lines) {
  for (Callback* callback : schedule_.callbacks()) fit_.callbacks.push_back(callback);
  {
    ProgressDisplay display(lines, is_terminal(stderr) ? stderr : nullptr, parts_.train.size(), fit_.epochs);
    fit_.callbacks.push_back(&display);
    history_ = trainer_->fit(parts_.train, fit_);
    fit_.callbacks.pop_back();
  }
  if (scaling_) scaling_->fold_into(network_);
}

TrainingResult Session::result() {
  TrainingResult result{
      .backend = context().chosen().name(),
      .isa = setup_.isa(),
      .threads = context().executor().threads(),
      .seed = seed_,
      .classification = setup_.classify(),
      .parameters = network_.parameter_count(),
      .history = history_,
      .best_epoch = schedule_.early_stopping() ? schedule_.early_stopping()->best_epoch() : 0,
      .test = {},
      .findings = diagnosis_.findings()};
  if (!interrupted()) result.test = trainer_->evaluate(parts_.test);
  return result;
}

}  // namespace plexus::cli

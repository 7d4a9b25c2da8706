// Settings: optimizer, schedule, penalties and batches that cannot work, whatever the data.
#include <algorithm>
#include <cmath>

#include "plexus/trainer/suspicion.h"

namespace plexus {
namespace {

// Largest sensible rates. Steps of the Adam family are as long as the rate whatever the gradient, and weights
// are of size 0.1: from 0.5 on the first step throws them all away (0.1 still trains small networks). SGD
// moves by rate times gradient; 1 is common, ten times that overshoots on any loss of curvature 0.2.
// Adagrad's steps begin like Adam's and shrink; Adadelta's begin at 1e-3.
constexpr double high_adaptive = 0.5, high_sgd = 10, high_adagrad = 5, high_adadelta = 100;
// A rate is too low where all its steps together, each as long as it can be, move a weight by less than a
// hundredth of its size 0.1. Steps of SGD are at most about ten times the rate (gradients of more are
// exploding ones).
constexpr double reach = 1e-3, largest_gradient = 10;
// Penalties: per step the weights lose rate * decay of themselves, against gradients that are a tenth of
// their size when all is well: from 0.5 on the penalty wins and weights go to 0. PyTorch's and papers' values
// are 1e-5 to 0.1. Decoupled (AdamW) the loss has no say: 0.01 to 0.3 is what people use.
constexpr double high_decay = 0.5, high_decoupled = 2, high_l1 = 0.1;
// From half on, the target is more noise than class.
constexpr double high_smoothing = 0.5;
// A schedule that is down to a hundredth after a tenth of the training has ended it: a cosine is at 0.98
// there.
constexpr double early = 0.1, ended = 0.01;
// An average over more steps than there are is mostly the first weights: after 1/(1-decay) steps these still
// have a share of 37 %.
constexpr double fewest_averages = 1;
// Keras' default batch of 32 may be larger than a toy's data without anybody having asked for it.
constexpr int64_t default_batch = 32;
constexpr int64_t classes_apart = 4;

struct Rates {
  double effective, high;
  double step;  // that a weight moves at most
};

Rates rates(const Optimizer& optimizer) {
  const UpdateSpec spec = make_spec(optimizer);
  const double rate = learning_rate(optimizer);
  switch (spec.kind) {
    case UpdateKind::sgd:
      return {rate / (1 - spec.momentum), high_sgd, largest_gradient * rate / (1 - spec.momentum)};
    case UpdateKind::adagrad:
      return {rate, high_adagrad, rate};
    case UpdateKind::adadelta:
      return {rate, high_adadelta, rate};
    default:
      return {rate, high_adaptive, rate};
  }
}

void suspect_rate(const TrainerOptions& options, int64_t steps, Findings& findings) {
  const Rates r = rates(options.optimizer);
  const UpdateSpec spec = make_spec(options.optimizer);
  if (r.effective >= r.high)
    findings.push_back(
        {"learning-rate-too-high",
         "optimizer: " + to_string(options.optimizer) +
             (spec.momentum > 0 ? " (together " + figure(r.effective) + ")" : "") + ": from about " +
             figure(r.high) + " on, steps throw the weights away",
         "try " + figure(spec.kind == UpdateKind::sgd ? 0.01 : 0.001) + ", then tenfold more or less"});
  else if (r.step * static_cast<double>(steps) < reach && steps > 0)
    findings.push_back(
        {"learning-rate-too-low",
         "optimizer: " + to_string(options.optimizer) + " in " + count_of(steps, "step") +
             " moves no weight by a hundredth of its size",
         r.effective == 0 ? "choose one above 0" : "raise it tenfold or more, or train longer"});
}

void suspect_penalties(const TrainerOptions& options, Findings& findings) {
  const UpdateSpec spec = make_spec(options.optimizer);
  const bool decoupled = spec.kind == UpdateKind::adamw;
  std::string what;
  if (spec.weight_decay >= (decoupled ? high_decoupled : high_decay))
    what = "weight decay " + figure(spec.weight_decay) +
           " (usual: " + (decoupled ? "0.01 to 0.3" : "1e-5 to 0.1") + ")";
  else if (2 * options.l2 >= high_decay)  // the gradient of l2 w^2 is 2 l2 w
    what = "l2 " + figure(options.l2) + " (usual: 1e-5 to 0.05)";
  else if (options.l1 >= high_l1)
    what = "l1 " + figure(options.l1) + " (usual: 1e-6 to 0.01)";
  if (!what.empty())
    findings.push_back({"weight-decay-too-high",
                        "optimizer: " + what + ": the penalty outweighs the loss, weights go to 0",
                        "lower it a hundredfold"});
  if (const auto* entropy = std::get_if<SoftmaxCrossEntropy>(&options.loss);
      entropy && entropy->label_smoothing >= high_smoothing)
    findings.push_back({"label-smoothing-too-high",
                        "loss: label smoothing " + figure(entropy->label_smoothing) +
                            " leaves the true class " + figure(100 * (1 - entropy->label_smoothing)) +
                            " % of the target",
                        "0.1 is usual"});
}

void suspect_schedule(const TrainerOptions& options, int64_t epochs, int64_t steps_of_epoch,
                      Findings& findings) {
  const int64_t steps = epochs * steps_of_epoch;
  if (options.warmup_steps >= steps && steps > 0 && options.warmup_steps > 1)
    findings.push_back({"warmup-too-long",
                        "schedule: a warm-up of " + count_of(options.warmup_steps, "step") +
                            " in a training of " + std::to_string(steps) +
                            ": the learning rate is never reached",
                        "a twentieth of the steps is plenty"});
  if (epochs > 1 && !std::holds_alternative<OneCycle>(options.schedule)) {
    const auto at = static_cast<int64_t>(early * static_cast<double>(epochs));
    const SchedulePosition position{
        .epoch = std::max<int64_t>(1, at), .step = 0, .epochs = epochs, .steps = steps_of_epoch};
    const double now = factor(options.schedule, position);
    if (now < ended && position.epoch < epochs)
      findings.push_back({"schedule-ends-early",
                          "schedule: " + to_string(options.schedule) + " is down to " + figure(now) +
                              " of the learning rate after epoch " + std::to_string(position.epoch) + " of " +
                              std::to_string(epochs),
                          "let it fall more slowly, or by a cosine over the whole training"});
  }
  if (options.ema_decay > 0 && (1 - options.ema_decay) * static_cast<double>(steps) < fewest_averages &&
      steps > 0)
    findings.push_back({"average-too-slow",
                        "ema_decay " + std::to_string(options.ema_decay) + " averages over " +
                            figure(1 / (1 - options.ema_decay)) + " steps, and there are " +
                            std::to_string(steps) + ": the network would get mostly its first weights",
                        "lower it, or train longer"});
}

/// Classes in blocks: hardly a change from row to row.
bool sorted(const Dataset& data) {
  int64_t changes = 0;
  for (int64_t row = 1; row < data.size(); ++row) changes += data.label(row) != data.label(row - 1);
  return data.size() >= classes_apart * data.classes() && changes < 2 * data.classes();
}

}  // namespace

void suspect_settings(const TrainerOptions& options, const FitOptions& fit, const Dataset& data,
                      Findings& findings) {
  const int64_t rows = std::max<int64_t>(1, data.size());
  const int64_t batch = fit.full_batch ? rows : std::min(fit.batch_size, rows);
  const int64_t step = batch * options.accumulate;
  const int64_t steps_of_epoch = (rows + step - 1) / step;
  suspect_rate(options, fit.epochs * steps_of_epoch, findings);
  suspect_penalties(options, findings);
  suspect_schedule(options, fit.epochs, steps_of_epoch, findings);
  if (!fit.full_batch && fit.batch_size > rows && fit.batch_size > default_batch)
    findings.push_back({"batch-larger-than-data",
                        "batch: " + std::to_string(fit.batch_size) + " rows, but there are only " +
                            std::to_string(rows) + ": an epoch is a single step",
                        "32 is a good beginning (full_batch, --batch full, where a single step is meant)"});
  if (options.accumulate > 1 && options.accumulate * batch > rows && rows > batch)
    findings.push_back({"batch-larger-than-data",
                        "batch: " + std::to_string(options.accumulate) + " batches of " +
                            std::to_string(batch) + " rows are accumulated for a step, but there are only " +
                            std::to_string(rows) + " rows",
                        "accumulate fewer"});
  if (!fit.shuffle && data.classes() > 1 && steps_of_epoch > 1 && sorted(data))
    findings.push_back(
        {"sorted-unshuffled",
         "order: rows come class after class and are not shuffled: batches hold one class each, and the "
         "network forgets the others",
         "shuffle (FitOptions::shuffle), or mix the rows"});
}

}  // namespace plexus

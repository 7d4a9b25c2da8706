#include "plexus/trainer/training_diagnosis.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "plexus/core/error.h"
#include "plexus/layers/one_hot.h"
#include "plexus/trainer/probe.h"
#include "plexus/trainer/suspicion.h"

namespace plexus {
namespace {

// A look is about a forward and backward pass of its rows, and a copy of the weights (about two steps): after
// a hundred times as many steps it is 1 % of what there was. Later ones come at twice the distance each.
constexpr int64_t share = 100, copies = 2;
// Fewer steps are a try-out: nothing can be said of how they went.
constexpr int64_t fewest_steps = 20, enough_steps = 100;
// Share of the loss of chance that must be gone: below the first, next to nothing was learnt; below the
// second, nothing.
constexpr double little = 0.1, nothing = 0.02;
// No network that learns becomes twice as bad as chance and as its first weights; no batch ten times, unless
// the steps are too long.
constexpr double worse = 2, burst = 10;
// Weights that have become so many times as large as they began while next to nothing was learnt.
constexpr double grown = 30;
// Epochs in which the loss rises by a third, and by a seventh of that of chance: noise of small batches and
// dropout is less, and a quarter of all is a habit.
constexpr double rise = 1.3, rise_of_chance = 0.15, habit = 0.25;
constexpr size_t fewest_epochs = 8;
// Weights that move by less than a twentieth until the end cannot become others than the random ones that
// they were.
constexpr double stays = 0.05;
// Gradients (root mean squares) of the first layer against the last at first weights. Sound ones are within
// 30 times of each other; each sigmoid in between takes a factor of 4 to 6. And gradient against weight,
// which is 1e-3 to 1 in sound networks.
constexpr double vanished = 1e-3, vanished_size = 1e-5, exploded = 1e3, exploded_size = 1e2;
// Units that are 0 in every row, and values at the limits of sigmoid and tanh. Sound networks have up to a
// third of the former and three quarters of the latter (small ones that fit well), and do not mind while they
// learn.
constexpr double half_dead = 0.5, nearly_all_dead = 0.9;
constexpr double half_saturated = 0.6, nearly_all_saturated = 0.9;
constexpr double much = 0.5;  // share of the loss of chance that is gone: it learns
// One answer for all, where less than so many rows are of one class.
constexpr double one_class = 0.9;
// Overfitting: the validation loss is twice its best and worse than that of chance, while the training loss
// is down to half of what it was then. Right answers may still become more: where two fifths of what the
// common class gets wrong are right, the network is merely too sure of itself.
constexpr double overfitted = 2, memorised = 0.5, still_right = 0.4;

}  // namespace

struct TrainingDiagnosis::State {
  State(const Dataset& d, const TrainerOptions& o, const Context& c) : data(d), options(o), context(c) {}

  void begin(const Sequential& n, const Progress& progress);
  void check(bool end);
  void find(const std::string& id, const std::string& message, const std::string& remedy);
  /// "loss 0.7 after 100 steps (chance: 0.69)"
  std::string standing() const;
  bool rate_too_high(bool end);
  bool gradients_exploded() const;
  bool gradients_vanished() const;
  void check_units();
  void check_rate_too_low();
  void check_answers();
  void check_overfitting();

  Dataset data;
  TrainerOptions options;
  Context context;
  const Sequential* network = nullptr;  // while it trains
  std::optional<Probe> probe;
  double first_loss = 0;              // of the probe
  std::vector<Probe::Weights> first;  // at first weights
  int64_t begun = 0, steps = 0, next = 0, total = 0;
  double first_batch = 0, highest = 0;  // losses of batches
  double rate = 0;
  std::vector<Epoch> epochs;
  std::vector<Finding> findings;
  std::set<std::string> known;
  bool caused = false;  // something was found in this fit, told or not
};

void TrainingDiagnosis::State::begin(const Sequential& n, const Progress& progress) {
  network = nullptr;
  probe.reset();
  begun = steps = 0;
  caused = false;
  const auto* one_hot = dynamic_cast<const OneHot*>(&n[0]);
  try {
    probe.emplace(context, n, options.loss,
                  data.with_categories(one_hot ? one_hot->categories() : Categories()));
  } catch (const Error&) {  // a network that cannot be followed trains all the same
    return;
  }
  network = &n;
  probe->look(n);
  first_loss = probe->loss();
  first = probe->weights();
  check_units();
  highest = 0;
  epochs.clear();
  total = (progress.epochs - progress.epoch) * progress.steps;
  const int64_t rows_of_step = std::max<int64_t>(1, data.size() / std::max<int64_t>(1, progress.steps));
  next = share * (probe->rows() / rows_of_step + copies);
}

void TrainingDiagnosis::State::find(const std::string& id, const std::string& message,
                                    const std::string& remedy) {
  caused = true;
  if (!known.insert(id).second) return;
  findings.push_back({id, message, remedy});
  context.log(LogLevel::warning, to_string(findings.back()));
}

std::string TrainingDiagnosis::State::standing() const {
  return "loss " + figure(probe->loss()) + " after " + count_of(steps, "step") + " (first weights " +
         figure(first_loss) + ", chance " + figure(probe->chance()) + ")";
}

bool TrainingDiagnosis::State::gradients_exploded() const {
  double largest = 0;
  for (const Probe::Weights& w : first)
    if (w.size > 0) largest = std::max(largest, w.gradient / w.size);
  return !(first.front().gradient < exploded * first.back().gradient) || !(largest < exploded_size);
}

bool TrainingDiagnosis::State::gradients_vanished() const {
  double largest = 0;
  for (const Probe::Weights& w : first)
    if (w.size > 0) largest = std::max(largest, w.gradient / w.size);
  return first.front().gradient < vanished * first.back().gradient || largest < vanished_size;
}

bool TrainingDiagnosis::State::rate_too_high(bool end) {
  const double chance = probe->chance(), limit = std::max(first_loss, chance);
  const std::string remedy =
      "lower the learning rate tenfold, or set clip_norm (now " + to_string(options.optimizer) + ")";
  const auto too_high = [&](const std::string& what) {
    find("learning-rate-too-high", "training: " + what, remedy);
    return true;
  };
  // The loss that is not finite is the last that there was: fit throws for it.
  if (begun > steps && !(std::max(probe->loss(), highest) < burst * limit))
    return too_high("the loss exploded after " + count_of(steps, "step"));
  if (!(probe->loss() < worse * limit)) return too_high("worse than at the start: " + standing());
  if (probe->learnt() < little && highest > burst * std::max(limit, first_batch))
    return too_high("the loss of a batch reached " + figure(highest) +
                    ", and little was learnt: " + standing());
  for (const Probe::Weights& w : probe->weights())
    if (probe->learnt() < little && w.first > 0 && w.size > grown * w.first)
      return too_high("weights of " + w.place + " became " + figure(w.size / w.first) +
                      " times as large, and little was learnt: " + standing());
  for (const Epoch& epoch : epochs)
    if (epoch.train_loss > burst * std::max(limit, first_batch))
      return too_high("the mean loss of epoch " + std::to_string(epoch.epoch) + " was " +
                      figure(epoch.train_loss) + " (chance " + figure(chance) + ")");
  if (!end || epochs.size() < fewest_epochs) return false;
  size_t rises = 0, pairs = 0;
  for (size_t i = epochs.size() / 2; i < epochs.size(); ++i, ++pairs)
    rises += epochs[i].train_loss > rise * epochs[i - 1].train_loss &&
             epochs[i].train_loss > epochs[i - 1].train_loss + rise_of_chance * chance;
  if (static_cast<double>(rises) < habit * static_cast<double>(pairs) || rises < 2) return false;
  return too_high("the loss goes up and down: it rose in " + std::to_string(rises) + " of the last " +
                  count_of(static_cast<int64_t>(pairs), "epoch"));
}

void TrainingDiagnosis::State::check(bool end) {
  probe->look(*network);
  if (!(probe->chance() > 0) || first.empty()) return;
  const bool stuck = !(probe->learnt() >= little), learns = probe->learnt() >= much;
  if (stuck && gradients_exploded()) {
    find("exploding-gradients",
         "training: at first weights gradients were " + figure(first.front().gradient) + " (" +
             first.front().place + ") to " + figure(first.back().gradient) + " (" + first.back().place +
             ") for weights of size " + figure(first.front().size) + "; " + standing(),
         "initialise by the layer's inputs (HeNormal behind ReLU), scale the inputs, or set clip_norm");
    return;
  }
  if (rate_too_high(end)) {
    check_units();
    return;
  }
  if (steps < fewest_steps) return;
  if (!learns && gradients_vanished()) {
    find("vanishing-gradients",
         "training: at first weights gradients were " + figure(first.front().gradient) + " (" +
             first.front().place + ") and " + figure(first.back().gradient) + " (" + first.back().place +
             "); " + standing(),
         "use ReLU instead of sigmoid, HeNormal behind ReLU, or fewer layers");
    return;
  }
  check_units();
  if (!learns) check_rate_too_low();
  if (!end || steps < enough_steps) return;
  check_answers();
  check_overfitting();
}

void TrainingDiagnosis::State::check_units() {
  // First weights have learnt nothing, and nobody minds half of anything.
  const bool stuck = steps > 0 && !(probe->learnt() >= little), learns = steps > 0 && probe->learnt() >= much;
  for (const Probe::Units& units : probe->units()) {
    if (units.dead >= nearly_all_dead || (units.dead >= half_dead && stuck))
      find("dead-relus",
           "training: " + figure(100 * units.dead) + " % of the " + std::to_string(units.count) +
               " units of " + units.place + " are 0 for all of " + std::to_string(probe->rows()) +
               " rows after " + count_of(steps, "step"),
           "lower the learning rate, scale the inputs, or use LeakyRelu");
    if ((units.saturated >= nearly_all_saturated && !learns) || (units.saturated >= half_saturated && stuck))
      find("saturated-units",
           "training: " + figure(100 * units.saturated) + " % of the values of " + units.place +
               " are at its limits after " + count_of(steps, "step") + ": no gradient passes there",
           "scale the inputs, begin with smaller weights, or lower the learning rate");
  }
}

void TrainingDiagnosis::State::check_rate_too_low() {
  if (probe->loss() < (1 - little) * first_loss) return;
  double most = 0;
  for (const Probe::Weights& w : probe->weights())
    if (w.first > 0) most = std::max(most, w.moved / w.first);
  // Until the end they move at most as fast as they did so far.
  most *= std::max(1.0, static_cast<double>(total) / static_cast<double>(steps));
  if (most >= stays) return;
  find("learning-rate-too-low",
       "training: weights will have moved by " + figure(100 * most) + " % of their size at the end, " +
           standing(),
       "raise the learning rate tenfold or more (now " + to_string(options.optimizer) + "), or train longer");
}

void TrainingDiagnosis::State::check_answers() {
  if (probe->learnt() >= little) return;
  const bool unexplained = !caused;
  if (probe->largest_class() > 0 && probe->largest_class() < one_class && probe->largest_answer() == 1)
    find("one-class-predictions",
         "training: all of " + std::to_string(probe->rows()) + " rows get the same class, " + standing(),
         "look at the labels, scale the inputs, try another learning rate, or weight the classes");
  if (unexplained && probe->learnt() < nothing)
    find("loss-at-chance", "training: nothing was learnt, " + standing(),
         "look whether labels belong to their rows, try a larger network, or another learning rate");
}

void TrainingDiagnosis::State::check_overfitting() {
  const auto validated = [](const Epoch& epoch) { return std::isfinite(epoch.validation_loss); };
  if (epochs.size() < 2 || !std::all_of(epochs.begin(), epochs.end(), validated)) return;
  const auto best = std::min_element(epochs.begin(), epochs.end(), [](const Epoch& a, const Epoch& b) {
    return a.validation_loss < b.validation_loss;
  });
  const Epoch& last = epochs.back();
  const double common = probe->largest_class();
  if (common > 0 && last.validation_accuracy - common >= still_right * (1 - common)) return;
  if (last.validation_loss >= overfitted * best->validation_loss && last.validation_loss >= probe->chance() &&
      last.train_loss <= memorised * best->train_loss)
    find("overfitting",
         "training: the validation loss was best in epoch " + std::to_string(best->epoch) + " (" +
             figure(best->validation_loss) + ") and has risen to " + figure(last.validation_loss) +
             ", while the training loss fell from " + figure(best->train_loss) + " to " +
             figure(last.train_loss),
         "stop early (EarlyStopping, --early-stopping), more data, dropout, weight decay or a smaller "
         "network");
}

TrainingDiagnosis::TrainingDiagnosis(const Dataset& train, const TrainerOptions& options,
                                     const Context& context, const std::vector<Finding>& known)
    : state_(std::make_unique<State>(train, options, context)) {
  for (const Finding& finding : known) state_->known.insert(finding.id);
}
TrainingDiagnosis::~TrainingDiagnosis() = default;

const std::vector<Finding>& TrainingDiagnosis::findings() const { return state_->findings; }

void TrainingDiagnosis::on_train_begin(Sequential& network, const Progress& progress) {
  state_->begin(network, progress);
}

void TrainingDiagnosis::on_step_begin(const Progress&) { ++state_->begun; }

bool TrainingDiagnosis::on_step(const Progress& progress) {
  State& s = *state_;
  ++s.steps;
  if (s.steps == 1) s.first_batch = progress.loss;
  s.highest = std::max(s.highest, progress.loss);
  if (s.network && s.steps == s.next) {
    s.next *= 2;
    s.check(false);
  }
  return false;
}

bool TrainingDiagnosis::on_epoch(const Epoch& epoch) {
  state_->epochs.push_back(epoch);
  return false;
}

void TrainingDiagnosis::on_train_end(const History&) {
  State& s = *state_;
  if (s.network && s.begun > 0) s.check(true);
  s.network = nullptr;
  s.probe.reset();
}

}  // namespace plexus

#include "plexus/trainer/early_stopping.h"

#include <cmath>
#include <sstream>
#include <vector>

#include "plexus/core/error.h"
#include "plexus/trainer/callback_state.h"

namespace plexus {
namespace {

std::vector<std::string> parameters(const Store& store) {
  std::vector<std::string> names;
  for (const auto& [name, entry] : store.entries())
    if (entry.role == Role::parameter) names.push_back(name);
  return names;
}

}  // namespace

EarlyStopping::EarlyStopping(EarlyStoppingOptions options) : options_(options) {
  if (options.patience < 0)
    throw ArgumentError("early stopping: patience " + std::to_string(options.patience) +
                        ": choose 0 or more epochs");
  if (!(options.min_delta >= 0 && std::isfinite(options.min_delta))) {
    std::ostringstream text;
    text << "early stopping: min_delta " << options.min_delta << ": choose 0 or more";
    throw ArgumentError(text.str());
  }
}

void EarlyStopping::on_train_begin(Sequential& network, const Progress&) { network_ = &network; }

bool EarlyStopping::on_epoch(const Epoch& epoch) {
  const double now = value(options_.monitor, epoch, "early stopping");
  const double gain = rises(options_.monitor) ? now - best_ : best_ - now;
  if (best_epoch_ > 0 && !(gain > options_.min_delta)) {
    ++waited_;
    return waited_ >= options_.patience;
  }
  best_ = now;
  best_epoch_ = epoch.epoch;
  waited_ = 0;
  if (options_.restore_best) {
    Store& store = network_->store();
    for (const std::string& name : parameters(store)) {
      const Tensor weights = store.get(name);
      store.declare(
          {.name = best_name(name), .role = Role::state, .shape = weights.shape(), .dtype = weights.dtype()});
      store.set(best_name(name), weights);
    }
  }
  return false;
}

void EarlyStopping::on_train_end(const History&) {
  if (waited_ == 0 || !options_.restore_best) return;
  Store& store = network_->store();
  for (const std::string& name : parameters(store)) store.set(name, store.get(best_name(name)));
}

std::string EarlyStopping::best_name(const std::string& parameter) const { return name() + "." + parameter; }

std::string EarlyStopping::name() const { return "early_stopping." + to_string(options_.monitor); }

std::string EarlyStopping::state() const {
  return CallbackState().set("best", best_).set("best_epoch", best_epoch_).set("waited", waited_).text();
}

void EarlyStopping::restore(const std::string& state) {
  const CallbackState read(name(), state);
  const double best = read.number("best");
  const int64_t best_epoch = read.count("best_epoch"), waited = read.count("waited");
  best_ = best, best_epoch_ = best_epoch, waited_ = waited;
}

}  // namespace plexus

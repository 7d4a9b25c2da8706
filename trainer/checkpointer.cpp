#include "plexus/trainer/checkpointer.h"

#include <algorithm>
#include <set>

#include "plexus/backends/registry.h"
#include "plexus/core/cpu.h"
#include "plexus/core/error.h"
#include "plexus/trainer/names.h"
#include "plexus/trainer/settings.h"

namespace plexus {
namespace {

std::string isa_of(const Context& context) {
  const Policies& policies = context.policies();
  return to_string(Environment::resolve({.backend = context.chosen().name(),
                                         .threads = context.executor().threads(),
                                         .fallback = policies.fallback,
                                         .check = policies.check})
                       .max_isa);
}

std::string described(const Tensor& tensor) {
  return std::string(to_string(tensor.dtype())) + " " + to_string(tensor.shape());
}

}  // namespace

Checkpointer::Checkpointer(const CheckpointOptions& options, const Context& context, Sequential& network,
                           std::span<Callback* const> callbacks)
    : context_(context),
      network_(&network),
      callbacks_(callbacks),
      directory_(options, context),
      isa_(isa_of(context)) {
  std::set<std::string> names;
  for (const Callback* callback : callbacks)
    if (callback && !callback->name().empty() && !names.insert(callback->name()).second)
      throw ArgumentError("checkpoints: two callbacks are called " + quoted(callback->name()) +
                          ": their states could not be told apart");
  if (options.resume) found_ = directory_.newest(file_);
}

void Checkpointer::begin(std::string settings, Position& position, History& history) {
  settings_ = std::move(settings);
  if (!found_) return;
  check(settings_, position);
  check_tensors();
  restore_callbacks();
  restore(position, history);
  found_.reset();
}

void Checkpointer::check(const std::string& settings, const Position& position) const {
  const int64_t first_epoch = position.first_epoch, epochs = position.progress.epochs;
  if (const std::string problem = data_difference(found_->settings, settings); !problem.empty())
    throw DataError(file_ + ": resume: " + problem + ": give the data that the run began with");
  if (const std::string problem = difference(found_->settings, settings); !problem.empty())
    throw ArgumentError(file_ + ": resume: " + problem + ": give what the run began with");
  if (found_->first_epoch != first_epoch)
    throw ArgumentError(file_ + ": resume: it belongs to a call of fit after " +
                        std::to_string(found_->first_epoch) + " epochs, not after " +
                        std::to_string(first_epoch));
  if (found_->epoch > epochs)
    throw ArgumentError(file_ + ": resume: it is in epoch " + std::to_string(found_->epoch) +
                        ", this run has only " + std::to_string(epochs) + ": give more epochs");
  const auto differs = [&](const std::string& what, const std::string& then, const std::string& now) {
    if (then != now)
      context_.log(LogLevel::warning, file_ + ": " + what + " was " + then + " and is " + now +
                                          " now: what follows may differ in its last bits");
  };
  differs("the backend", found_->backend, context_.chosen().name());
  differs("the instruction set", found_->isa, isa_);
  differs("the version of Plexus", found_->library_version, version());
}

void Checkpointer::check_tensors() const {
  const Store& store = network_->store();
  for (const NamedTensor& named : found_->tensors) {
    const bool there = store.contains(named.name);
    if (!there && of_callback(named.name)) continue;
    const auto& entry = there ? &store.entry(named.name) : nullptr;
    if (!there || entry->data.dtype() != named.tensor.dtype() || !(entry->shape == named.tensor.shape()))
      throw ArgumentError(
          file_ + ": resume: tensor " + quoted(named.name) + " is " + described(named.tensor) + ", " +
          (there
               ? "in this run " + std::string(to_string(entry->data.dtype())) + " " + to_string(entry->shape)
               : "this run has none") +
          ": give what the run began with");
  }
  for (const auto& [name, entry] : store.entries())
    if (entry.role != Role::scalar && !find(found_->tensors, name) && !of_callback(name))
      throw ArgumentError(file_ + ": resume: it has no tensor " + quoted(name) +
                          ": give what the run began with");
}

bool Checkpointer::of_callback(const std::string& tensor) const {
  return std::any_of(callbacks_.begin(), callbacks_.end(), [&](const Callback* callback) {
    return !callback->name().empty() && tensor.rfind(callback->name() + ".", 0) == 0;
  });
}

void Checkpointer::restore_callbacks() const {
  const auto find = [&](const std::string& name) {
    return std::find_if(callbacks_.begin(), callbacks_.end(),
                        [&](const Callback* callback) { return callback->name() == name; });
  };
  for (const auto& [name, state] : found_->callbacks)
    if (find(name) == callbacks_.end())
      throw ArgumentError(file_ + ": resume: callback " + quoted(name) + " is not part of this run: add it");
  for (const auto& [name, state] : found_->callbacks) (*find(name))->restore(state);
}

void Checkpointer::restore(Position& position, History& history) {
  Store& store = network_->store();
  for (const NamedTensor& named : found_->tensors) {
    if (!store.contains(named.name))
      store.declare({.name = named.name,
                     .role = Role::state,
                     .shape = named.tensor.shape(),
                     .dtype = named.tensor.dtype()});
    store.set(named.name, named.tensor);
  }
  history.stopped = found_->history.stopped;
  history.epochs = std::move(found_->history.epochs);
  position.progress.epoch = found_->epoch;
  position.progress.step = found_->step;
  position.progress.rows = found_->rows;
  position.progress.loss = found_->loss;
  position.progress.learning_rate = found_->learning_rate;
  position.loss_sum = found_->loss_sum;
  position.seconds = found_->seconds;
  position.whole = found_->whole;
  written_ = true;
  context_.log(LogLevel::choice, file_ + ": going on in epoch " + std::to_string(found_->epoch) +
                                     " after step " + std::to_string(found_->step));
}

void Checkpointer::after_step(const Position& position, const History& history, bool stops) {
  written_ = false;
  if (directory_.due_after_step() || stops) write(position, history);
}

void Checkpointer::after_epoch(const Position& position, const History& history) {
  if (!position.whole) return;  // stopped within it: after_step() has written where
  written_ = false;
  if (directory_.due_after_epoch()) write(position, history);
}

void Checkpointer::finish(const Position& position, const History& history) {
  if (!written_ && position.whole) write(position, history);
}

void Checkpointer::write(const Position& position, const History& history) {
  Checkpoint c;
  c.library_version = version();
  c.backend = context_.chosen().name();
  c.isa = isa_;
  c.threads = context_.executor().threads();
  c.settings = settings_;
  c.first_epoch = position.first_epoch;
  c.epoch = position.progress.epoch;
  c.step = position.progress.step;
  c.rows = position.progress.rows;
  c.loss = position.progress.loss;
  c.learning_rate = position.progress.learning_rate;
  c.loss_sum = position.loss_sum;
  c.seconds = position.seconds;
  if (!position.whole)
    c.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - position.since).count();
  c.whole = position.whole;
  c.history = history;
  for (const auto& [name, entry] : network_->store().entries())
    c.tensors.push_back({name, network_->store().get(name)});
  for (const Callback* callback : callbacks_)
    if (std::string name = callback->name(); !name.empty()) c.callbacks.push_back({name, callback->state()});
  directory_.write(c, network_->store().scalar<int64_t>("step"));
  written_ = true;
}

}  // namespace plexus

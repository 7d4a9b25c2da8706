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

std::string described(Role role, DType dtype, const Shape& shape) {
  return to_string(role) + " " + std::string(to_string(dtype)) + " " + to_string(shape);
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
      throw ArgumentError("checkpoints: two callbacks are called " + in_quotes(callback->name()) +
                          ": their states could not be told apart");
  if (options.resume) found_ = directory_.newest(file_);
}

void Checkpointer::begin(std::string settings, Position& position, History& history) {
  settings_ = std::move(settings);
  if (!found_) return;
  check(settings_, position);
  check_entries();
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

void Checkpointer::check_entries() const {
  const Store& store = network_->store();
  for (const auto& [name, role, tensor] : found_->entries) {
    if (!store.contains(name)) {  // what callbacks keep there is not declared before they begin
      if (role != Role::state)
        throw ArgumentError(file_ + ": resume: this run has no " + to_string(role) + " " + in_quotes(name) +
                            ": give what the run began with");
      continue;
    }
    const Store::Entry& entry = store.entry(name);
    if (entry.role != role || entry.data.dtype() != tensor.dtype() || !(entry.shape == tensor.shape()))
      throw ArgumentError(file_ + ": resume: " + in_quotes(name) + " is " +
                          described(role, tensor.dtype(), tensor.shape()) + ", in this run " +
                          described(entry.role, entry.data.dtype(), entry.shape) +
                          ": give what the run began with");
  }
  const auto& saved = found_->entries;
  for (const auto& [name, entry] : store.entries())
    if (entry.role != Role::scalar && std::ranges::find(saved, name, &Checkpoint::Entry::name) == saved.end())
      throw ArgumentError(file_ + ": resume: it has no " + to_string(entry.role) + " " + in_quotes(name) +
                          ": give what the run began with");
}

void Checkpointer::restore_callbacks() const {
  const auto find = [&](const std::string& name) {
    return std::find_if(callbacks_.begin(), callbacks_.end(),
                        [&](const Callback* callback) { return callback->name() == name; });
  };
  for (const auto& [name, state] : found_->callbacks)
    if (find(name) == callbacks_.end())
      throw ArgumentError(file_ + ": resume: callback " + in_quotes(name) + " is not part of this run: add it");
  for (const auto& [name, state] : found_->callbacks) (*find(name))->restore(state);
}

void Checkpointer::restore(Position& position, History& history) {
  Store& store = network_->store();
  for (const auto& [name, role, tensor] : found_->entries) {
    if (!store.contains(name))
      store.declare({.name = name, .role = role, .shape = tensor.shape(), .dtype = tensor.dtype()});
    store.set(name, tensor);
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
    c.entries.push_back({name, entry.role, network_->store().get(name)});
  for (const Callback* callback : callbacks_)
    if (std::string name = callback->name(); !name.empty()) c.callbacks.push_back({name, callback->state()});
  directory_.write(c, network_->store().scalar<int64_t>("step"));
  written_ = true;
}

}  // namespace plexus

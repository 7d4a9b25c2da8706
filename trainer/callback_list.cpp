#include "plexus/trainer/callback_list.h"

#include <string>

#include "plexus/core/error.h"

namespace plexus {

CallbackList::CallbackList(std::span<Callback* const> callbacks, const History& history)
    : callbacks_(callbacks), history_(history) {
  for (size_t i = 0; i < callbacks.size(); ++i)
    if (!callbacks[i])
      throw ArgumentError("fit: callback " + std::to_string(i + 1) + " is null: leave it out");
}

CallbackList::~CallbackList() {
  for (size_t i = 0; i < begun_; ++i) {
    if (callbacks_[i] == running_) continue;
    try {
      callbacks_[i]->on_train_end(history_);
    } catch (...) {  // another exception is on its way, and is the cause
    }
  }
}

template <class Call>
void CallbackList::each(const Call& call) {
  for (Callback* callback : callbacks_) {
    running_ = callback;
    call(*callback);
  }
  running_ = nullptr;
}

void CallbackList::on_train_begin(Sequential& network, const Progress& progress) {
  each([&](Callback& callback) {
    ++begun_;
    callback.on_train_begin(network, progress);
  });
}

void CallbackList::on_epoch_begin(const Progress& progress) {
  each([&](Callback& callback) { callback.on_epoch_begin(progress); });
}

void CallbackList::on_step_begin(const Progress& progress) {
  each([&](Callback& callback) { callback.on_step_begin(progress); });
}

bool CallbackList::on_step(const Progress& progress) {
  bool stop = false;
  each([&](Callback& callback) { stop |= callback.on_step(progress); });
  return stop;
}

bool CallbackList::on_epoch(const Epoch& epoch) {
  bool stop = false;
  each([&](Callback& callback) { stop |= callback.on_epoch(epoch); });
  return stop;
}

double CallbackList::learning_rate_factor() const {
  double product = 1;
  for (const Callback* callback : callbacks_) product *= callback->learning_rate_factor();
  return product;
}

// One that throws here has had its call; those behind it still get theirs, from the destructor.
void CallbackList::on_train_end() {
  while (begun_ > 0) {
    Callback& callback = *callbacks_.front();
    callbacks_ = callbacks_.subspan(1);
    --begun_;
    callback.on_train_end(history_);
  }
}

}  // namespace plexus

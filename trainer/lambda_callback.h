// LambdaCallback: functions as a callback.
#pragma once
#include <functional>
#include <utility>

#include "plexus/trainer/callback.h"

namespace plexus {

/// Names and meanings are Callback's; what is empty is not called.
struct CallbackFunctions {
  std::function<void(Sequential&, const Progress&)> on_train_begin = {};
  std::function<void(const Progress&)> on_epoch_begin = {};
  std::function<void(const Progress&)> on_step_begin = {};
  std::function<bool(const Progress&)> on_step = {};
  std::function<bool(const Epoch&)> on_epoch = {};
  std::function<void(const History&)> on_train_end = {};
};

///     LambdaCallback stop({.on_epoch = [](const Epoch& epoch) { return epoch.train_loss < 0.1; }});
class LambdaCallback final : public Callback {
 public:
  explicit LambdaCallback(CallbackFunctions functions) : functions_(std::move(functions)) {}

  void on_train_begin(Sequential& network, const Progress& progress) override {
    if (functions_.on_train_begin) functions_.on_train_begin(network, progress);
  }
  void on_epoch_begin(const Progress& progress) override {
    if (functions_.on_epoch_begin) functions_.on_epoch_begin(progress);
  }
  void on_step_begin(const Progress& progress) override {
    if (functions_.on_step_begin) functions_.on_step_begin(progress);
  }
  bool on_step(const Progress& progress) override { return functions_.on_step && functions_.on_step(progress); }
  bool on_epoch(const Epoch& epoch) override { return functions_.on_epoch && functions_.on_epoch(epoch); }
  void on_train_end(const History& history) override {
    if (functions_.on_train_end) functions_.on_train_end(history);
  }

 private:
  CallbackFunctions functions_;
};

}  // namespace plexus

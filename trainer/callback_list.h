// CallbackList: the callbacks of one call of fit. Private.
#pragma once
#include <span>

#include "plexus/trainer/callback.h"

namespace plexus {

/// Calls them in their order. However fit ends, each that has begun ends: the destructor sees to it.
class CallbackList {
 public:
  /// Both outlive it. Throws ArgumentError where one is null.
  CallbackList(std::span<Callback* const> callbacks, const History& history);
  ~CallbackList();
  CallbackList(const CallbackList&) = delete;
  CallbackList& operator=(const CallbackList&) = delete;

  void on_train_begin(Sequential& network, const Progress& progress);
  void on_epoch_begin(const Progress& progress);
  void on_step_begin(const Progress& progress);
  /// True: one of them asks to stop.
  bool on_step(const Progress& progress);
  bool on_epoch(const Epoch& epoch);
  void on_train_end();
  /// Of all together.
  double learning_rate_factor() const;

 private:
  template <class Call>
  void each(const Call& call);

  std::span<Callback* const> callbacks_;
  const History& history_;
  size_t begun_ = 0;              // callbacks whose training has begun, and has not ended
  Callback* running_ = nullptr;   // the one that is being called: it has thrown, where the destructor finds it
};

}  // namespace plexus

// EarlyStopping: ends training that gets no better.
#pragma once
#include <cstdint>
#include <string>

#include "plexus/export.h"
#include "plexus/trainer/callback.h"
#include "plexus/trainer/monitor.h"

namespace plexus {

struct EarlyStoppingOptions {
  Monitor monitor = Monitor::validation_loss;
  int64_t patience = 10;         ///< epochs in a row that are no better, then it stops; scikit-learn's default; Keras 0
  double min_delta = 0;          ///< less than this is no better; Keras' default; scikit-learn 1e-4
  bool restore_best = true;      ///< fit ends with the weights of the best epoch, however it ends; Keras' default is off
};

/// Counts on over several calls of fit; one of another training is a new object. The best weights are in the network's store,
/// under its name: "early_stopping.validation_loss.0.weight".
class PLEXUS_EXPORT EarlyStopping : public Callback {
 public:
  /// Throws ArgumentError for settings out of range.
  explicit EarlyStopping(EarlyStoppingOptions options = {});

  int64_t best_epoch() const { return best_epoch_; }  ///< 0: none yet
  double best() const { return best_; }               ///< what is monitored, in that epoch
  bool stopped() const { return waited_ > 0 && waited_ >= options_.patience; }

  void on_train_begin(Sequential& network, const Progress&) override;
  /// Throws ArgumentError where the epoch has no such figure.
  bool on_epoch(const Epoch& epoch) override;
  void on_train_end(const History&) override;

  std::string name() const override;
  std::string state() const override;
  void restore(const std::string& state) override;

 private:
  std::string best_name(const std::string& parameter) const;

  EarlyStoppingOptions options_;
  Sequential* network_ = nullptr;
  double best_ = 0;
  int64_t best_epoch_ = 0, waited_ = 0;
};

}  // namespace plexus

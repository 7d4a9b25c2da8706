// ReduceOnPlateau: a smaller learning rate where training gets no better.
#pragma once
#include <cstdint>
#include <string>

#include "plexus/export.h"
#include "plexus/trainer/callback.h"
#include "plexus/trainer/monitor.h"

namespace plexus {

/// Names and defaults are those of PyTorch's ReduceLROnPlateau.
struct ReduceOnPlateauOptions {
  Monitor monitor = Monitor::validation_loss;
  double factor = 0.1;           ///< of the learning rate, in (0, 1)
  int64_t patience = 10;         ///< epochs in a row that are no better; the next one reduces
  double threshold = 1e-4;       ///< better by less than this share of the best is no better
  int64_t cooldown = 0;          ///< epochs after a reduction that do not count
  double minimum = 0;            ///< of the factor in all; PyTorch's min_lr is a rate
};

/// Counts on over several calls of fit; one of another training is a new object. Multiplies what a schedule gives.
class PLEXUS_EXPORT ReduceOnPlateau : public Callback {
 public:
  /// Throws ArgumentError for settings out of range.
  explicit ReduceOnPlateau(ReduceOnPlateauOptions options = {});

  double learning_rate_factor() const override { return factor_; }
  /// Throws ArgumentError where the epoch has no such figure.
  bool on_epoch(const Epoch& epoch) override;

  std::string name() const override;
  std::string state() const override;
  void restore(const std::string& state) override;

 private:
  ReduceOnPlateauOptions options_;
  double factor_ = 1, best_ = 0;
  int64_t epochs_ = 0, waited_ = 0, cooling_ = 0;
};

}  // namespace plexus

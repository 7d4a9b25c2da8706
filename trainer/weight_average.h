// WeightAverage: an exponential moving average of a network's parameters, beside them in its store. Private.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "plexus/core/plan.h"
#include "plexus/layers/sequential.h"

namespace plexus {

/// "ema.<parameter>" for every parameter; state, so that it is saved with everything else.
class WeightAverage {
 public:
  /// Of a network that is built. The network outlives it.
  WeightAverage(const Context& context, Sequential& network, double decay);

  /// Averages begin with the parameters as they are.
  void reset();
  /// After a step: average = decay * average + (1 - decay) * parameter. Allocates nothing.
  void update();
  /// Which of them are the network's parameters from now on: averages or what is trained. The others are kept where the
  /// averages were.
  void use(bool averages) noexcept;

 private:
  struct Names {
    std::string parameter, average;
  };
  static std::vector<Names> names(const Sequential& network);

  Sequential* network_;
  std::vector<Names> names_;
  Plan plan_;
  bool in_use_ = false;
};

/// While it lives the network has the averages, or what is trained; afterwards the other. Nothing where there is no average.
class WeightsInUse {
 public:
  WeightsInUse(std::optional<WeightAverage>& average, bool averages)
      : average_(average ? &*average : nullptr), averages_(averages) {
    if (average_) average_->use(averages_);
  }
  ~WeightsInUse() {
    if (average_) average_->use(!averages_);
  }
  WeightsInUse(const WeightsInUse&) = delete;
  WeightsInUse& operator=(const WeightsInUse&) = delete;

 private:
  WeightAverage* average_;
  bool averages_;
};

}  // namespace plexus

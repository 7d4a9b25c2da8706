// Learning-rate finder: at what rate a network learns fastest.
#pragma once
#include <cstdint>
#include <vector>

#include "plexus/core/context.h"
#include "plexus/export.h"
#include "plexus/layers/sequential.h"
#include "plexus/trainer/dataset.h"
#include "plexus/trainer/trainer.h"

namespace plexus {

struct RangeTestOptions {
  double from = 1e-7, to = 10;  ///< rates of the first and last step, as fastai's lr_find; every optimizer's useful ones lie between
  int64_t steps = 200;          ///< 25 in every tenfold of the rate
};

/// What a learning-rate range test saw.
struct RangeTest {
  struct Step {
    double learning_rate = 0;
    double loss = 0;            ///< of this step's batch, before its update
    double smoothed = 0;        ///< mean of the losses around it: 5 % of the steps on either side
  };
  std::vector<Step> steps;      ///< that were taken
  double suggestion = 0;        ///< where the smoothed loss falls most steeply; NaN where it falls nowhere
  double lowest = 0;            ///< where it is lowest: more than this is too much; NaN as well
  bool diverged = false;        ///< the test ended early: the loss was four times its lowest and above its first, or not finite
};

/// Learning-rate range test (Smith 2015): trains a copy of the network, with a rate that grows from step to step by the same
/// factor. The network stays as it is; its own weights, else first weights from the seed, are where the copy begins. `settings` but
/// for the optimizer's rate, schedule, warm-up and moving average, and batches, seeds, augmentation and callbacks of `fit` are used; a
/// callback that stops it ends the test. Throws ArgumentError for rates that are not positive and ascending, or fewer than 20 steps;
/// what Trainer::fit throws before its first step.
PLEXUS_EXPORT RangeTest find_learning_rate(const Sequential& network, const Dataset& data, const TrainerOptions& settings,
                                           const FitOptions& fit = {}, const RangeTestOptions& options = {});
/// In a context of one's own; backend and threads of the settings are not looked at.
PLEXUS_EXPORT RangeTest find_learning_rate(const Sequential& network, const Dataset& data, const TrainerOptions& settings,
                                           const FitOptions& fit, const RangeTestOptions& options, const Context& context);

}  // namespace plexus

// Schedule: the flags that say how a training goes on and when it ends.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plexus/cli/app.h"
#include "plexus/trainer/early_stopping.h"
#include "plexus/trainer/reduce_on_plateau.h"
#include "plexus/trainer/schedule.h"
#include "plexus/trainer/training_log.h"

namespace plexus::cli {

struct ScheduleFlags {
  std::string schedule = "constant", log;
  int64_t warmup_steps = 0;
  double ema_decay = 0;
  std::optional<int64_t> patience;
};
void add_flags(App& app, ScheduleFlags& flags);

/// What the flags ask for.
class ChosenSchedule {
 public:
  /// Throws ArgumentError, naming the flag; also where there is nothing to watch (`validation` false).
  ChosenSchedule(const ScheduleFlags& flags, bool validation);

  const Schedule& schedule() const { return schedule_; }
  /// To be called in this order. They are this object's.
  std::vector<Callback*> callbacks();
  /// ", cosine, warm-up of 500 steps, early stopping after 10 epochs"; empty: nothing was asked for.
  std::string describe() const;
  /// Null without early stopping.
  const EarlyStopping* early_stopping() const { return early_stopping_.get(); }

 private:
  ScheduleFlags flags_;
  Schedule schedule_;
  std::unique_ptr<ReduceOnPlateau> plateau_;
  std::unique_ptr<EarlyStopping> early_stopping_;
  std::unique_ptr<TrainingLog> log_;
};

}  // namespace plexus::cli

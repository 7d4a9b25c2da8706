// TrainOptions: the flags of plexus train.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plexus/cli/app.h"
#include "plexus/cli/checkpoints.h"
#include "plexus/cli/flags.h"
#include "plexus/cli/schedule.h"

namespace plexus::cli {

struct TrainOptions {
  std::string data, test, label, task, missing = "error", layers = "128,relu", loss, batch = "32", out,
                                       colour = "auto";
  std::optional<double> test_fraction;
  double validation = 0.1;
  std::optional<int64_t> epochs;
  int64_t show = 0;
  uint64_t seed = 0;
  OptimizerFlags optimizer;
  ScheduleFlags schedule;
  RegularizationFlags regularization;
  double label_smoothing = 0;
  std::string class_weights;
  BackendFlags backend;
  CheckpointFlags checkpoints;
  std::string run;
  std::vector<std::string> arguments;  // as parsed
  std::string augment;
  bool plan = false, json = false, map = false;
  int64_t seeds = 0, folds = 0;  // 0: train once
  bool find_rate = false, no_diagnosis = false;
};

/// Throws ArgumentError where `flag` was given: it is for one training, not for `mode` ("--seeds").
void refuse(bool given, const std::string& flag, const std::string& mode, const std::string& remedy);
/// The same for all flags that write files while a network trains, and for --show.
void refuse_files(const TrainOptions& options, const std::string& mode, const std::string& remedy);

/// Adds the command; its options are what is parsed.
App add_train_command(App& parent, const std::shared_ptr<TrainOptions>& options);

}  // namespace plexus::cli

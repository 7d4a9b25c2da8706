#include "plexus/cli/training_setup.h"

#include "plexus/cli/manifest.h"
#include "plexus/cli/loss.h"
#include "plexus/cli/network.h"
#include "plexus/cli/output.h"
#include "plexus/cli/run_directory.h"
#include "plexus/cli/session.h"
#include "plexus/trainer/split.h"

namespace plexus::cli {
namespace {

Task make_task(const std::string& name) {
  return name.empty() ? Task::automatic : name == "classify" ? Task::classify : Task::regress;
}

}  // namespace

TrainingSetup::TrainingSetup(const TrainOptions& options) : options_(options) {
  context_options_ = cli::context_options(options.backend);
  chosen_before_ = options.checkpoints.resume && !options.run.empty() &&
                   choose_as_before(RunDirectory(options.run).manifest(), context_options_);
  const Environment environment = Environment::resolve(context_options_);
  if (environment.backend != auto_backend) context_ = make_context(context_options_);
  isa_ = to_string(environment.max_isa);

  optimizer(options.optimizer);
  ChosenSchedule(options.schedule, options.validation > 0);
  TrainerOptions settings;
  set(settings, options.regularization);
  parse_layers(options.layers);
  make_loss(options.loss, make_task(options.task), "--task " + options.task);
  if (options.test_fraction && !options.test.empty())
    throw ArgumentError("--test-fraction and --test exclude each other: the test data is there already");
  if (options.test_fraction && has_test_part(options.data))
    throw ArgumentError("--test-fraction: " + options.data + " has test data of its own");
  if (!options.out.empty()) check_output(options.out);
  if (!options.schedule.log.empty()) check_output(options.schedule.log);
  parse_augmentation(options.augment);
}

void TrainingSetup::open() {
  data_ = open_data(
      {options_.data, options_.test, options_.label, make_task(options_.task), missing(), options_.map});
}

Missing TrainingSetup::missing() const {
  const std::string& name = options_.missing;
  return name == "drop" ? Missing::drop : name == "mean" ? Missing::keep : Missing::error;
}

Loss TrainingSetup::loss() const {
  return make_loss(options_.loss, classify() ? Task::classify : Task::regress, data().reason);
}

Parts TrainingSetup::with_validation(Dataset train, Dataset test, uint64_t seed) const {
  if (options_.validation == 0) return {std::move(train), std::nullopt, std::move(test)};
  Split parts = split(train, {.test_fraction = options_.validation, .seed = seed});
  return {std::move(parts.train), std::move(parts.test), std::move(test)};
}

Parts TrainingSetup::divide(uint64_t seed) const {
  if (data().test) return with_validation(data().train, *data().test, seed);
  Split parts = split(data().train, {.test_fraction = options_.test_fraction.value_or(0.2), .seed = seed});
  return with_validation(std::move(parts.train), std::move(parts.test), seed);
}

std::vector<Parts> TrainingSetup::folds() const {
  std::vector<Parts> result;
  for (Split& fold : k_fold(data().train, {.folds = options_.folds, .seed = options_.seed}))
    result.push_back(with_validation(std::move(fold.train), std::move(fold.test), options_.seed));
  return result;
}

void TrainingSetup::describe(const Parts& parts) const {
  std::fprintf(out(), "data      %s: %lld rows to train, %lld to validate, %lld to test\n",
               options_.data.c_str(), (long long)parts.train.size(),
               (long long)(parts.validation ? parts.validation->size() : 0), (long long)parts.test.size());
  const int64_t dropped = data().train.dropped() + (data().test ? data().test->dropped() : 0);
  if (dropped > 0)
    std::fprintf(out(), "missing   %lld row%s with missing values left out\n", (long long)dropped,
                 dropped == 1 ? "" : "s");
  std::fprintf(out(), "task      %s\n", data().reason.c_str());
}

}  // namespace plexus::cli

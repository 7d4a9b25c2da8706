// TrainingSetup: what plexus train is to do, checked, and the data that it does it with.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "plexus/backends/registry.h"
#include "plexus/cli/data.h"
#include "plexus/cli/train_options.h"
#include "plexus/core/context.h"
#include "plexus/layers/loss.h"

namespace plexus::cli {

/// The parts of the data, each with its job.
struct Parts {
  Dataset train;
  std::optional<Dataset> validation;
  Dataset test;
};

class TrainingSetup {
 public:
  /// The backend, then everything that can be wrong without the data: nobody wants to wait for them to be read to learn that a name is
  /// misspelt. Throws BackendError, ArgumentError, IoError.
  explicit TrainingSetup(const TrainOptions& options);

  /// Reads the data. Throws what open_data throws; ArgumentError, DataError where a flag does not fit them.
  void open();

  const TrainOptions& options() const { return options_; }
  /// The backend, made already: a name that cannot be used is refused before any file is opened. Absent: auto chooses it.
  const std::optional<Context>& context() const { return context_; }
  const ContextOptions& context_options() const { return context_options_; }
  /// The run that goes on had its backend from auto.
  bool chosen_before() const { return chosen_before_; }
  const std::string& isa() const { return isa_; }
  std::FILE* out() const { return options_.json ? stderr : stdout; }  ///< for what people read

  // These once it is open.
  const Data& data() const { return *data_; }
  bool classify() const { return data().train.labels(); }
  Missing missing() const;
  /// Loss without the settings that depend on the rows to train on.
  Loss loss() const;
  /// Rows to train on, to validate with and to test with.
  Parts divide(uint64_t seed) const;
  /// The same for every fold: the test data that come with the data are left alone.
  std::vector<Parts> folds() const;
  /// Prints what is known: data, task; `parts` of one training.
  void describe(const Parts& parts) const;

 private:
  Parts with_validation(Dataset train, Dataset test, uint64_t seed) const;

  TrainOptions options_;
  ContextOptions context_options_;
  std::optional<Context> context_;
  bool chosen_before_ = false;
  std::string isa_;
  std::optional<Data> data_;
};

}  // namespace plexus::cli

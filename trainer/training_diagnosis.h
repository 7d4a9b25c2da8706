// TrainingDiagnosis: the usual mistakes, named while a network trains.
#pragma once
#include <memory>
#include <vector>

#include "plexus/core/context.h"
#include "plexus/export.h"
#include "plexus/trainer/callback.h"
#include "plexus/trainer/dataset.h"
#include "plexus/trainer/finding.h"
#include "plexus/trainer/trainer.h"

namespace plexus {

/// Looks at the network now and then, on 256 rows of the training data and in a copy of its own, so that training has the bits that it
/// would have without: before the first step, after about 1000, 2000, 4000, ... steps, and at the end. A look costs about ten steps of 32
/// rows: together less than 1 % of a training of more than a thousand steps. What it finds is logged as a warning, once each: learning rate
/// too high or too low, vanishing or exploding gradients, dead ReLUs, saturated units, a loss that stays at chance, one class for all rows,
/// overfitting. docs/diagnosis.md says what is seen.
///
///     TrainingDiagnosis diagnosis(train, options, trainer.context());
///     trainer.fit(train, {.epochs = 10, .callbacks = {&diagnosis}});
class PLEXUS_EXPORT TrainingDiagnosis : public Callback {
 public:
  /// What the trainer has: the same data, options and context. A fit with a network that it cannot follow passes without a finding.
  /// `known`: has been told already (by diagnose()) and is not told again.
  TrainingDiagnosis(const Dataset& train, const TrainerOptions& options, const Context& context,
                    const std::vector<Finding>& known = {});
  ~TrainingDiagnosis() override;

  /// So far, of all fits.
  const std::vector<Finding>& findings() const;

  void on_train_begin(Sequential& network, const Progress& progress) override;
  void on_step_begin(const Progress& progress) override;
  bool on_step(const Progress& progress) override;
  bool on_epoch(const Epoch& epoch) override;
  void on_train_end(const History& history) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace plexus

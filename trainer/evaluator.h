// Evaluator: runs a network forward over data, batch after batch, and measures it. Private.
#pragma once
#include <optional>
#include <vector>

#include "plexus/core/plan.h"
#include "plexus/layers/sequential.h"
#include "plexus/trainer/batches.h"
#include "plexus/trainer/dataset.h"
#include "plexus/trainer/metrics.h"

namespace plexus {

class Evaluator {
 public:
  Evaluator(const Context& context, Sequential& network, const Loss& loss);

  /// Loss, and for class numbers the share of right answers (else NaN).
  struct Score {
    double loss, accuracy;
  };
  /// Builds the plan that score() and evaluate() need for this kind of target, where it is not there yet.
  void prepare(bool labels);
  /// Allocates nothing after prepare().
  Score score(const Dataset& data);
  Evaluation evaluate(const Dataset& data);

  Tensor predict(const Dataset& data);
  Tensor predict(const Tensor& rows);
  Tensor predict_classes(const Dataset& data);
  Tensor predict_classes(const Tensor& rows);

 private:
  Plan& plan(Part part, bool labels);
  template <class Each>
  double for_each_batch(const Dataset& data, const Each& each);
  template <class Gather>
  Tensor forward(int64_t rows, const Gather& gather);
  void classify(const Dataset& data, Evaluation& result);
  void regress(const Dataset& data, Evaluation& result);

  Context context_;
  Sequential* network_;
  Loss loss_;
  std::optional<Plan> forward_, loss_plans_[2];
  std::optional<RowPreparation> preparation_;
  std::vector<int64_t> rows_;  // of the batch that is being gathered
};

}  // namespace plexus

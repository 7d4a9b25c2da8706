// Explanation: which features of a row an answer came from.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "plexus/core/context.h"
#include "plexus/export.h"
#include "plexus/layers/sequential.h"
#include "plexus/trainer/dataset.h"

namespace plexus {

struct ExplainerOptions {
  std::string backend = {};  ///< empty: PLEXUS_BACKEND, else the default
  int threads = 0;           ///< 0: PLEXUS_NUM_THREADS, else all that the process may use
};

/// How an output of a network came to differ from what it gives at the baseline, row by row.
struct Attributions {
  Tensor values;                  ///< [n, ...] f64, as the rows: what each feature contributed
  std::vector<double> output;     ///< what the network gives for the row
  std::vector<double> baseline;   ///< and for the baseline
  std::vector<double> residual;   ///< |sum of a row's values - (output - baseline)|, relative to |output - baseline|, or to a
                                  ///< thousandth of |output| + |baseline| + the sum of |values| where that is more
};

/// Works on outputs as predict gives them: logits for SoftmaxCrossEntropy. `outputs` names an output column for each row.
/// Categories are explained as a whole: the parts of their columns are added up. The network outlives it; dropout is off.
/// All of it throws ArgumentError for an output that is not there, ShapeError for rows of another shape, DataError as predict.
class PLEXUS_EXPORT Explainer {
 public:
  /// Throws ArgumentError for a network that is not built and fitted, BackendError.
  explicit Explainer(Sequential& network, ExplainerOptions options = {});
  /// In a context of one's own; the options are not looked at.
  Explainer(Sequential& network, Context context);
  ~Explainer();
  Explainer(Explainer&&) noexcept;
  Explainer& operator=(Explainer&&) noexcept;

  /// d output / d feature (Simonyan et al. 2013), [n, ...] f64. Of a category: of its own column.
  Tensor gradients(const Dataset& rows, std::span<const int64_t> outputs);

  /// Integrated gradients (Sundararajan et al. 2017): gradients along the straight line from the baseline to the row, by the
  /// midpoint rule on 64 pieces; those on which it misses the change of the output (a kink of a ReLU) are halved until the residual
  /// is at most `tolerance`, or float's rounding is all that is left. The baseline is what the network sees as zero: the mean of the
  /// training data behind Standardize, the minimum behind MinMax, else zeros.
  Attributions integrated_gradients(const Dataset& rows, std::span<const int64_t> outputs, double tolerance = 5e-4);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace plexus

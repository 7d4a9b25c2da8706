// Predictor: a trained network, ready to answer.
#pragma once
#include <memory>
#include <string>

#include "plexus/core/context.h"
#include "plexus/export.h"
#include "plexus/layers/sequential.h"

namespace plexus {

struct PredictorOptions {
  int64_t batch_size = 1;    ///< rows that are worked on at once; more rows in a call are taken in pieces
  std::string backend = {};  ///< empty: PLEXUS_BACKEND, else the default
  int threads = 1;  ///< 0: PLEXUS_NUM_THREADS, else all that the process may use. One row is soonest done on
                    ///< the calling thread
};

/// Everything slow is done when it is made: a call allocates nothing, and with one thread uses no other
/// thread. Many threads may call at once; the first time that n of them do, n - 1 sets of buffers are made,
/// and kept. Outputs have the bits of Trainer::predict. The network outlives it. Training goes on beneath it:
/// later calls see the new weights. Not both at the same time.
class PLEXUS_EXPORT Predictor {
 public:
  /// Throws ArgumentError for a network that is not built and fitted, holds doubles (Trainer::predict has
  /// those), or a batch size below 1; BackendError.
  explicit Predictor(Sequential& network, PredictorOptions options = {});
  /// In a context of one's own; backend and threads of the options are not looked at.
  Predictor(Sequential& network, PredictorOptions options, Context context);
  ~Predictor();
  Predictor(Predictor&&) noexcept;
  Predictor& operator=(Predictor&&) noexcept;

  /// rows[count, input_columns()], raw as the network was trained on, one behind the other -> outputs[count,
  /// output_columns()]: logits for SoftmaxCrossEntropy. Throws ArgumentError for a count below 0.
  void predict(const float* rows, int64_t count, float* outputs) const;
  int64_t input_columns() const;
  int64_t output_columns() const;
  /// What runs where, as a table.
  std::string plan() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace plexus

// Trainer: fits a network to data, tests it, predicts with it.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plexus/core/context.h"
#include "plexus/export.h"
#include "plexus/layers/sequential.h"
#include "plexus/trainer/augmentation.h"
#include "plexus/trainer/callback.h"
#include "plexus/trainer/checkpoint.h"
#include "plexus/trainer/dataset.h"
#include "plexus/trainer/metrics.h"
#include "plexus/trainer/optimizer.h"
#include "plexus/trainer/schedule.h"

namespace plexus {

class Plan;
struct ContextOptions;
struct Tuning;

struct TrainerOptions {
  Loss loss = SoftmaxCrossEntropy{};
  Optimizer optimizer = Sgd{};
  Schedule schedule = ConstantRate{};  ///< of the optimizer's learning rate
  int64_t warmup_steps = 0;      ///< first steps of the training, in which the learning rate rises to what the schedule says
  std::string backend = {};      ///< empty: PLEXUS_BACKEND, else the default; "auto": the fastest, found by the first fit (tuning.h)
  int threads = 0;               ///< 0: PLEXUS_NUM_THREADS, else all that the process may use; of "auto" the most
  uint64_t seed = 0;             ///< of initialisation and dropout
  /// > 0, below 1: the network gets the exponential moving average of its weights, decay * average + (1 - decay) * weight after
  /// every step, beginning with the first weights; validation sees it too. PyTorch's AveragedModel with such an avg_fn; Keras' use_ema.
  /// What is trained stays apart, and a second call of fit goes on with it. Typical: 0.999
  double ema_decay = 0;
  double clip_norm = 0;          ///< > 0: gradients are scaled down to this global norm
  int64_t accumulate = 1;        ///< batches whose gradients are averaged before a step
  double clip_value = 0;         ///< > 0: gradients are held within [-clip_value, clip_value], one by one; not with clip_norm
  /// Penalties l1 sum |w| + l2 sum w^2 of the weights, not of the biases: Keras' kernel_regularizer. They act through the
  /// gradient, behind its clipping; losses are reported without them (Keras adds them).
  double l1 = 0, l2 = 0;
  double max_norm = 0;           ///< > 0: after each step an output's weights, not its bias, are scaled down to this norm: Keras' MaxNorm
};

struct FitOptions {
  int64_t epochs = 1;
  int64_t batch_size = 32;       ///< Keras' default; the last batch of an epoch may be smaller
  bool full_batch = false;       ///< one batch of all rows; batch_size is not looked at
  double validation_fraction = 0;        ///< in [0, 1): taken from the data by split(), stratified
  std::optional<Dataset> validation = {};  ///< instead of a fraction
  bool shuffle = true;
  uint64_t seed = 0;             ///< of shuffling and of the validation split
  bool diagnosis = true;         ///< the first call logs as warnings what diagnose() (trainer/diagnosis.h) finds
  std::vector<Callback*> callbacks = {};
  Augmentation augmentation = {};  ///< of the rows that are trained on, by `seed`; validation sees them as they are
  CheckpointOptions checkpoints = {};
};

class PLEXUS_EXPORT Trainer {
 public:
  /// The network must outlive the trainer. The backend is resolved here: BackendError, ArgumentError.
  Trainer(Sequential& network, TrainerOptions options = {});
  /// In a context of one's own; backend and threads of the options are not looked at.
  Trainer(Sequential& network, TrainerOptions options, Context context);
  /// In one that is made here as these options say, auto included.
  Trainer(Sequential& network, TrainerOptions options, const ContextOptions& context);
  ~Trainer();
  Trainer(Trainer&&) noexcept;
  Trainer& operator=(Trainer&&) noexcept;

  /// Builds the network where it is not yet, fits its preprocessing layers (first call only) to the rows that are trained on,
  /// notes what columns and classes are called (Sequential::schema), checks the data, trains.
  /// Throws DataError (label out of range, loss and head do not fit, NaN, one class, fewer than two rows) before step 0;
  /// a failed check changes nothing. A second call goes on where the first stopped: epochs, steps and optimizer state
  /// count on. A trainer's first call starts optimizer and counters afresh; preprocessing that is fitted already (by another
  /// trainer, or read from a file) stays as it is. An epoch that a callback stopped is in the history, unvalidated.
  /// Throws DataError as well when the loss becomes NaN or infinite, naming epoch, step, learning rate and the largest gradient
  /// with its layer, or the weights that are not finite any more. The weights are then those before or after that step.
  ///
  /// With `checkpoints` and `resume`, goes on where the newest checkpoint was written, in this process or another: weights and
  /// history (but for seconds) are, bit for bit, those of a run that was never interrupted. Callbacks come back to what their state()
  /// was; an epoch that had begun has no second on_epoch_begin. A run that a callback stopped after an epoch is finished, one that was
  /// stopped within an epoch goes on. `epochs` counts from the beginning of the run and may be another than then; threads may be
  /// others; backend, instruction set and version too, with a warning. Throws ArgumentError and DataError, naming what else differs, and
  /// what CheckpointDirectory finds: IoError, FormatError. What cannot be written later on is a warning.
  History fit(const Dataset& data, const FitOptions& options = {});

  /// Where the backend is auto: what it stands for from now on, as the first fit to these rows finds out (tuning.h), which then need not.
  /// Until then the default backend evaluates and predicts. Absent: the backend was named.
  std::optional<Tuning> tune(const Dataset& data, const FitOptions& options = {});

  /// Loss and metrics, without dropout; the loss without smoothing, class and sample weights, here and in validation: numbers
  /// that compare whatever was trained for. Throws ArgumentError for a network that is not built and fitted, DataError for data with
  /// other classes than it was fitted to, or that head and loss do not fit.
  Evaluation evaluate(const Dataset& data);
  /// Output of the network for raw rows [n, ...] f32, u8 or f64: [n, k] f32. Logits for SoftmaxCrossEntropy. Where the network
  /// begins with OneHot, categories are numbers: their positions in its lists.
  /// Throws ArgumentError for a network that is not built and fitted, ShapeError for rows of another shape.
  Tensor predict(const Tensor& rows);
  /// The same; categories are looked up by their text. Throws DataError where a column holds text instead of numbers, or numbers of text.
  Tensor predict(const Dataset& data);
  /// Class numbers [n] i32: argmax of predict, lowest index on ties.
  Tensor predict_classes(const Tensor& rows);
  Tensor predict_classes(const Dataset& data);

  const Context& context() const;
  const Sequential& network() const;
  /// The plan of a training step for this batch size, as a table. The network must be built.
  std::string plan(int64_t batch_size);
  /// The plans of a training step, to look at or measure; they live until fit, plan or plans is called for another size. One; where
  /// gradients are accumulated three: gradients of the first batch, of the others, the update. Its "x": rows behind ColumnScaling.
  std::vector<Plan*> plans(int64_t batch_size);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace plexus

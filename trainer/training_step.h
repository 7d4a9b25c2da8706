// TrainingStep: the plans that make one update of a network, and the counters that go with it. Private.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "plexus/core/plan.h"
#include "plexus/layers/sequential.h"
#include "plexus/trainer/batches.h"
#include "plexus/trainer/dataset.h"
#include "plexus/trainer/trainer.h"

namespace plexus {

/// What a step of these options is lowered with, as a single program.
LoweringOptions step_lowering(const Sequential& network, const TrainerOptions& options, int64_t batch, int64_t tail,
                              bool labels, bool weighted);
/// Its programs, where so many batches are a step.
std::vector<Program> step_programs(const Sequential& network, LoweringOptions lowering, int64_t accumulate);
/// A line an operation, in the order in which they run, whoever runs them.
std::vector<std::string> operations_of(const std::vector<Program>& programs);

/// One plan where every batch is a step. Where gradients of several batches are averaged, three: the first batch's
/// gradients, those of the others added to them, and the update.
class TrainingStep {
 public:
  /// Batches of `batch` rows, the last of an epoch of `tail` rows (0: all are full); `weighted`: rows have weights.
  TrainingStep(const Context& context, Sequential& network, const TrainerOptions& options, int64_t batch,
               int64_t tail, bool labels, bool weighted);

  bool made_for(int64_t batch, int64_t tail, bool labels, bool weighted) const;
  /// Rows of a full step.
  int64_t rows() const { return batch_ * accumulate_; }

  /// Forgets optimizer state and counters: a network's training begins.
  void reset();
  /// Both write to where the plans read. Allocate nothing.
  void set_learning_rate(double rate);
  void set_seed(uint64_t seed);
  /// How rows are changed from now on, in epoch `epoch`; `image`: their shape. Allocates once where they are.
  void set_augmentation(const Augmentation& augmentation, const Shape& image, uint64_t seed, int64_t epoch);
  /// One update from these rows (at most rows()). Returns the mean loss over them, before the update. Allocates nothing.
  double run(const Dataset& data, std::span<const int64_t> rows);
  /// The largest magnitude in every parameter's gradient for these rows, at the weights as they are; infinity where a value is not
  /// finite. Slow: it builds a plan. The store is then as before, but for "loss".
  std::map<std::string, double> gradient_magnitudes(const Dataset& data, std::span<const int64_t> rows);

  std::vector<Plan*> plans();
  const std::vector<std::string>& operations() const { return operations_; }
  /// Who runs its rows.
  std::set<std::string> backends() const;

 private:
  struct Batch {
    Plan plan;
    void *x, *target, *weights;  // where it reads a batch; null for the update alone, and where rows have no weights
  };
  static Batch bind(Plan plan);
  double run(Batch& batch, const Dataset& data, std::span<const int64_t> rows);
  /// The gradients of a step of several batches, in the store. Returns the mean loss.
  double accumulate(const Dataset& data, std::span<const int64_t> rows);
  void find_scalars();
  void write(void* scalar, double value) const;

  Sequential* network_;
  Profile* profile_;  // of the context that the plans hold
  RowPreparation preparation_;
  int64_t batch_, tail_, accumulate_;
  bool labels_, weighted_;
  LoweringOptions lowering_;
  std::optional<SoftmaxCrossEntropy> entropy_;  // what it makes of targets; empty: another loss
  std::vector<Batch> plans_;
  std::vector<std::string> operations_;
  std::optional<EpochAugmentation> augmentation_;
  std::vector<double> staging_;  // aligned for either type

  // Addresses in the store, found again when its version changes: looking up names costs more than a small step.
  uint64_t version_ = 0;
  int64_t* step_ = nullptr;
  int64_t* pass_ = nullptr;
  void* loss_ = nullptr;
  void* loss_scale_ = nullptr;
  void* learning_rate_ = nullptr;
};

}  // namespace plexus

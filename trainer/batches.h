// Batches: rows of a data set in the inputs of a plan. Private.
#pragma once
#include <span>
#include <vector>

#include "plexus/core/executor.h"
#include "plexus/layers/column_scaling.h"
#include "plexus/layers/impute.h"
#include "plexus/layers/loss.h"
#include "plexus/layers/one_hot.h"
#include "plexus/layers/sequential.h"
#include "plexus/trainer/augmentation.h"
#include "plexus/trainer/dataset.h"

namespace plexus {

/// shuffled(), in place: `order` becomes the order of the epoch, whatever it held.
void shuffle(std::span<int64_t> order, uint64_t seed, int64_t epoch);

/// What a network does to rows before its programs see them: the layers that encode and impute, and those that scale columns where
/// its programs are lowered as `scaled`. The network outlives it.
class RowPreparation {
 public:
  explicit RowPreparation(const Sequential& network, bool scaled = false);

  /// Values of a row: as it is read, and as programs take it.
  int64_t columns_in() const { return columns_in_; }
  int64_t columns_out() const { return columns_out_; }
  /// One row in place: what was read is at its front. Allocates nothing.
  template <class T>
  void apply(std::span<T> row) const;
  bool needed() const { return one_hot_ || means_ || !scalings_.empty(); }
  /// Where the store has what layers have learnt: again after its version has changed.
  void find_columns();

 private:
  struct Scaling {
    const void *offset, *scale;
  };

  const Sequential* network_;
  bool scaled_;
  const OneHot* one_hot_ = nullptr;
  const void* means_ = nullptr;  ///< what Impute fills in, in the network's type
  std::vector<Scaling> scalings_;
  int64_t columns_in_, columns_out_;
};

/// How the rows of one epoch are changed.
struct EpochAugmentation {
  Augmentation augmentation;
  Shape image;
  RandomStream random;
  void* staging;  ///< for a batch of rows as they are read
};

/// Writes the features of `rows`, prepared, one after another to `out`, of type f32 or f64. Allocates nothing.
void gather_features(const Executor& executor, const Dataset& data, std::span<const int64_t> rows,
                     const RowPreparation& preparation, DType dtype, void* out,
                     const EpochAugmentation* augmentation = nullptr);
/// The same for targets: class numbers to i32, real targets to f32 or f64. `entropy`: the loss that is trained with; where it
/// smooths, class numbers become rows too, and class weights are in them unless weights_rows.
void gather_targets(const Executor& executor, const Dataset& data, std::span<const int64_t> rows, DType dtype,
                    void* out, const SoftmaxCrossEntropy* entropy = nullptr);
/// Class numbers stay numbers, so that the weight of a class becomes one of its rows.
bool weights_rows(const SoftmaxCrossEntropy& entropy);
/// How much each of the rows counts: its sample weight, times that of its class where weights_rows. To f32 or f64.
void gather_weights(const Dataset& data, std::span<const int64_t> rows, DType dtype, void* out,
                    const SoftmaxCrossEntropy* entropy);
/// Rows [first, first + count) of a matrix of f32, u8 or f64, prepared.
void gather_rows(const Executor& executor, const Tensor& matrix, int64_t first, int64_t count,
                 const RowPreparation& preparation, DType dtype, void* out);

}  // namespace plexus

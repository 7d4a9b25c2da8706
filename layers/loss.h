// Losses that networks are trained with.
#pragma once
#include <string>
#include <variant>
#include <vector>

#include "plexus/core/spec/loss.h"
#include "plexus/export.h"

namespace plexus {

/// Mean squared error: mean over columns and rows, as PyTorch and Keras.
struct Mse {};
/// Mean absolute error.
struct Mae {};
/// Quadratic within `delta`, linear outside: PyTorch's HuberLoss, Keras' Huber; delta 1 in both.
struct Huber {
  double delta = 1;
};
/// Binary cross entropy on logits (PyTorch's BCEWithLogitsLoss); targets in [0, 1].
struct BinaryCrossEntropy {};
/// Softmax and cross entropy in one, on logits: PyTorch's CrossEntropyLoss, Keras' SparseCategoricalCrossentropy
/// (from_logits). Targets: class numbers 0..K-1, or one-hot rows.
struct SoftmaxCrossEntropy {
  /// In [0, 1): targets become (1 - label_smoothing) * target + label_smoothing / K, as PyTorch and Keras have it.
  double label_smoothing = 0;
  /// One a class, 0 or more: how much a row of the class counts, as Keras' class_weight; with smoothing each class's share of
  /// the target counts by its own weight, as in PyTorch. The mean divides by the number of rows, as Keras (PyTorch: by the sum
  /// of the weights). Empty: all count alike.
  std::vector<float> class_weights = {};
};

using Loss = std::variant<SoftmaxCrossEntropy, BinaryCrossEntropy, Mse, Mae, Huber>;

/// "softmax cross entropy", "mse", ...
PLEXUS_EXPORT std::string to_string(const Loss& loss);

/// Throws ArgumentError for settings out of range.
PLEXUS_EXPORT void check_settings(const Loss& loss);

/// The operation for predictions of `columns` columns; `labels`: targets are class numbers (i32 [m, 1]), which smoothing
/// turns into rows. Class weights are no part of it: whoever gathers a batch multiplies its sample weights or targets by them.
/// Throws ShapeError for class numbers with a loss that has no use for them, and for class weights of another number.
PLEXUS_EXPORT LossSpec make_spec(const Loss& loss, int64_t batch, int64_t columns, bool labels, DType dtype = DType::f32);

}  // namespace plexus

// Losses: value and gradient in one pass.
#pragma once
#include "plexus/core/spec/operand.h"
#include "plexus/export.h"

namespace plexus {

/// mse, mae, huber, binary_cross_entropy (on logits): mean over the columns of a row, target[m,n].
/// softmax_cross_entropy (on logits): integer labels target[m,1] (i32), softmax_cross_entropy_one_hot: target[m,n].
enum class LossKind : uint8_t {
  mse, mae, huber, binary_cross_entropy, softmax_cross_entropy, softmax_cross_entropy_one_hot
};
inline constexpr int loss_count = 6;

PLEXUS_EXPORT std::string to_string(LossKind kind);

/// value = scale * sum over rows of weight(row) * loss(row); gradient = d value / d prediction.
/// weight(row) = sample weight * class weight (softmax kinds; one-hot: the weights enter the sum over classes).
/// scale absent: 1/rows, the mean over the batch as Keras has it (PyTorch divides by the sum of class weights).
/// No rows: value NaN (scale absent) or 0. A label outside [0, n): NaN in that row's gradient and in the value; nothing
/// outside the row is read. The trainer refuses such labels before the first step.
struct LossSpec {
  LossKind kind = LossKind::mse;
  int64_t m = 0, n = 0;
  double delta = 1;              ///< huber: where the parabola becomes a line, > 0 (1 in PyTorch and Keras)
  bool gradient = true;          ///< false: the value alone
  bool class_weights = false;    ///< class_weights[n]; softmax kinds only
  bool sample_weights = false;   ///< sample_weights[m]
  Batch batch = Batch::m;
  DType dtype = DType::f32;

  struct Args {
    const void* prediction = nullptr;
    const void* target = nullptr;
    const void* class_weights = nullptr;
    const void* sample_weights = nullptr;
    const void* scale = nullptr;   ///< one element
    void* gradient = nullptr;
    void* value = nullptr;         ///< one element
  };
  static constexpr const char* family = "loss";
  static constexpr Slot slots[] = {{"prediction", Access::in}, {"target", Access::in}, {"class_weights", Access::in},
                                   {"sample_weights", Access::in}, {"scale", Access::in}, {"gradient", Access::out},
                                   {"value", Access::out}};
  PLEXUS_EXPORT Operand operand(size_t slot) const;
  PLEXUS_EXPORT void validate() const;
  PLEXUS_EXPORT std::string to_string() const;
  bool operator==(const LossSpec&) const = default;
};

}  // namespace plexus

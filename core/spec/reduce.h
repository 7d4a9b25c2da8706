// Reductions of a matrix, and what clipping makes of one.
#pragma once
#include "plexus/core/spec/operand.h"
#include "plexus/export.h"

namespace plexus {

/// column_sum y[1,n] (the bias gradient); row_sum y[m,1]; sum_squares y[1,1] of type f64; argmax y[m,1] of type i32:
/// the lowest index of the largest value, or of the first NaN.
enum class Reduction : uint8_t { column_sum, row_sum, sum_squares, argmax };
inline constexpr int reduction_count = 4;

PLEXUS_EXPORT std::string to_string(Reduction kind);

/// Reduces x[m,n]. The order of summation depends on the plain index alone, whatever the layout.
/// `accumulate`: the sum starts at the old y (not argmax).
struct ReduceSpec {
  Reduction kind = Reduction::column_sum;
  int64_t m = 0, n = 0;
  bool accumulate = false;
  Batch batch = Batch::m;        ///< none for a parameter's gradient
  DType dtype = DType::f32;      ///< of x, and of y where the kind does not say otherwise
  const Layout* layout = nullptr;  ///< of x; sum_squares only

  struct Args {
    const void* x = nullptr;
    void* y = nullptr;
  };
  static constexpr const char* family = "reduce";
  static constexpr Slot slots[] = {{"x", Access::in}, {"y", Access::out}};
  PLEXUS_EXPORT Operand operand(size_t slot) const;
  PLEXUS_EXPORT void validate() const;
  PLEXUS_EXPORT std::string to_string() const;
  bool operator==(const ReduceSpec&) const = default;
};

/// factor = min(1, limit / (sqrt(sum_squares) + 1e-6)): gradient clipping by global norm, as PyTorch's clip_grad_norm_.
/// A NaN or infinite sum gives NaN or 0.
struct ClipSpec {
  double limit = 1;              ///< > 0
  DType dtype = DType::f32;      ///< of factor; sum_squares is f64

  struct Args {
    const void* sum_squares = nullptr;
    void* factor = nullptr;
  };
  static constexpr const char* family = "reduce";
  static constexpr Slot slots[] = {{"sum_squares", Access::in}, {"factor", Access::out}};
  PLEXUS_EXPORT Operand operand(size_t slot) const;
  PLEXUS_EXPORT void validate() const;
  PLEXUS_EXPORT std::string to_string() const;
  bool operator==(const ClipSpec&) const = default;
};

}  // namespace plexus

// Deviations: which rows of docs/semantics.md a backend declares not to keep.
#pragma once
#include <cstdint>
#include <string>

#include "plexus/core/spec/spec.h"
#include "plexus/export.h"

namespace plexus {

/// Rows that may be deviated from; the values are those of the C ABI.
enum class Semantics : uint32_t {
  activation_nan = 1u << 0,      ///< NaN into an activation comes out
  gradient_nan = 1u << 1,        ///< NaN in what an activation saved reaches its gradient
  gradient_at_zero = 1u << 2,    ///< the gradient of relu and its relatives at 0
  non_finite = 1u << 3,          ///< infinities, NaN and overflow have the class of the same computation in double
  denormals = 1u << 4,           ///< denormal numbers are kept
  argmax_ties = 1u << 5,         ///< the lowest index
  argmax_nan = 1u << 6,          ///< the first NaN
  softmax_non_finite = 1u << 7,  ///< rows with infinities or NaN
  loss_non_finite = 1u << 8,     ///< logits that are infinite or NaN
  accumulate_chain = 1u << 9,    ///< an accumulated product starts at the old value
  thread_bits = 1u << 10,        ///< any number of threads gives the same bits
  fused_bits = 1u << 11,         ///< fused kernels have the bits of their parts
  activation_infinity = 1u << 12,  ///< the limits of activations and of their gradients at infinity, and infinite gradients
};
inline constexpr int semantics_count = 13;

/// What does not hold then: "NaN into an activation may come out as a number".
PLEXUS_EXPORT std::string to_string(Semantics row);

/// All that a backend declares. The default: nothing; every row holds, and every bound that `backends/conformance` derives.
struct PLEXUS_EXPORT Deviations {
  uint32_t rows = 0;  ///< values of Semantics, or'ed
  /// Activations and their gradients: |error| <= absolute + relative * |result| where that is more than the derived bound.
  double elementwise_relative = 0, elementwise_absolute = 0;

  bool has(Semantics row) const { return (rows & uint32_t(row)) != 0; }
  bool any() const { return *this != Deviations{}; }
  /// What of it concerns this operation.
  Deviations of(const Spec& spec) const;
  void add(const Deviations& other);
  /// "NaN into an activation may come out as a number; activations within 4e-05 relative + 1e-06 absolute"; empty: nothing.
  std::string describe() const;
  bool operator==(const Deviations&) const = default;
};

}  // namespace plexus

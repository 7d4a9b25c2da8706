// Cases: random operations with random operands, each a pure function of (family, fill, seed).
#pragma once
#include <span>
#include <string>

#include "plexus/backends/conformance/values.h"

namespace plexus::conformance {

/// What the operands hold.
enum class Fill : uint8_t {
  exact,    ///< small integers: all partial sums stay below 2^24, so that any order of summation gives the same bits
  real,     ///< normally distributed, over many magnitudes
  special,  ///< as real, with a few NaN, infinities, signed zeros and denormals among them; forward kernels only
};

/// Where the operands lie.
enum class Placement : uint8_t {
  aligned,       ///< at multiples of 64 bytes
  misaligned,    ///< at multiples of the element size only
  before_guard,  ///< the last byte before a page that nobody may touch
  after_guard,   ///< the first byte behind one
};

/// How large they are.
enum class Extent : uint8_t {
  small,  ///< tails and empty sizes; nothing that a second thread would help with
  large,  ///< up to 2^22 products or a quarter of a million elements: enough for several threads
};

struct Case {
  Spec spec;
  int64_t rows = -1;  ///< Call::rows
  Fill fill = Fill::exact;
  Placement placement = Placement::aligned;
  uint64_t seed = 0;
};

/// All families, in the order of the variant: "matmul", "activation", "loss", ...
std::span<const std::string> families();

/// Case number `seed` of a family. Throws ArgumentError for a family that is not there.
Case make_case(const std::string& family, Fill fill, uint64_t seed, Extent extent = Extent::small);

/// The case over again: `matmul exact 1234: matmul/nn/f32/m7~/n33/k5/bias rows 3, misaligned`.
std::string to_string(const Case& c);
std::string to_string(Fill fill);
std::string to_string(Placement placement);

/// The operands that the kernel reads, true rows only; outputs are absent unless they are read as well. Optional ones
/// are left out in some cases. Every value is exact in the type of its slot.
Values make_values(const Case& c);

/// True where the result has one right value to the last bit: tolerance 0.
bool exact(const Case& c);

}  // namespace plexus::conformance

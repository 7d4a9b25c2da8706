// Bounds: how far a result may lie from the oracle's, and why.
#pragma once
#include "plexus/core/spec/spec.h"

namespace plexus::conformance {

/// Half the distance from 1 to the next number: 2^-24 (f32), 2^-53 (f64); 0 for integers.
double unit_roundoff(DType dtype);
/// The distance between neighbouring numbers of this type at `value`; at least the smallest denormal.
double ulp(double value, DType dtype);

/// The largest |actual - expected| that is accepted in an output slot. `spec` with the true number of rows.
/// `magnitude` is the oracle's (Expected::magnitudes).
double tolerance(const Spec& spec, size_t slot, double expected, double magnitude);

}  // namespace plexus::conformance

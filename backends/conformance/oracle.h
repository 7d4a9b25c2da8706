// Oracle: what every operation should give, evaluated in long double from the definitions in core/spec/.
#pragma once
#include "plexus/backends/conformance/values.h"

namespace plexus::conformance {

/// What one output slot should hold.
struct Expected {
  Matrix values;
  /// What rounding errors are in proportion to: for a sum, the sum of the magnitudes of its terms.
  Matrix magnitudes;
};

/// Expected outputs, one a slot (absent for inputs). `spec` with the true number of rows (with_rows); `inputs` as
/// make_values gives them. Shares no code with any backend.
std::vector<Expected> evaluate(const Spec& spec, const Values& inputs);

/// f(x) of an elementwise activation; for softmax and log_softmax use evaluate().
long double activation_value(Activation kind, double alpha, long double x);

}  // namespace plexus::conformance

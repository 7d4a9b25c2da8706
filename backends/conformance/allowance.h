// Allowances: what a backend's declared deviations excuse, and nothing else.
#pragma once
#include "plexus/backends/conformance/values.h"
#include "plexus/core/deviations.h"

namespace plexus::conformance {

/// Whether element (i, j) of an output slot may be other than it should: a row of docs/semantics.md is declared not to be
/// kept, and this element falls under it. `expected` as stored, in the type of the slot.
bool excused(const Deviations& declared, const Spec& spec, size_t slot, const Values& inputs, int64_t i, int64_t j,
             double expected, double actual);

/// The bound of an element where a wider one is declared; otherwise `bound`. Exact elements stay exact.
double widened(const Deviations& declared, double bound, double expected);

}  // namespace plexus::conformance

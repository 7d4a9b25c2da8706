// Edges: the semantics that are easy to get wrong, case by case, with the results written out by hand.
#pragma once
#include <string>
#include <vector>

#include "plexus/backends/conformance/check.h"

namespace plexus::conformance {

struct Edge {
  std::string name;  ///< "relu: NaN in the last lane of 17"
  Spec spec;
  int64_t rows = -1;  ///< Call::rows
  Values inputs;    ///< one matrix a slot
  Values expected;  ///< one matrix a slot; absent where not an output
  bool exact = true;  ///< every value must be the expected one; false: within the tolerance of its family
};

/// Every edge, for f32 and f64.
std::vector<Edge> edges();
/// The edges of one family.
std::vector<Edge> edges(const std::string& family);

Result check(const Backend& backend, const Edge& edge);

}  // namespace plexus::conformance

// Kernels: every kind of operation, and who has it. What `plexus info --kernels` prints.
#pragma once
#include <string>
#include <vector>

#include "plexus/core/backend.h"

namespace plexus::cli {

/// One kind of operation: "matmul/nn", "activation/relu/gradient".
struct Kind {
  std::string name;
  Spec spec;  ///< a small one, f32
};

/// All families, forward and backward.
std::vector<Kind> kinds();

/// "native"; "deviating": native, with something that it declares not to keep; "reference": it has none, the reference runs it.
std::string support(const Backend& backend, const Spec& spec);

}  // namespace plexus::cli

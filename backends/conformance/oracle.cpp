#include "plexus/backends/conformance/oracle.h"

#include "plexus/backends/conformance/oracle/term.h"

namespace plexus::conformance {

std::vector<Expected> evaluate(const Spec& spec, const Values& inputs) {
  return std::visit([&](const auto& s) { return evaluate(s, inputs); }, spec);
}

}  // namespace plexus::conformance

#include "plexus/backends/conformance/oracle/term.h"

namespace plexus::conformance {

std::vector<Expected> evaluate(const ScaleSpec& s, const Values& in) {
  std::vector<Expected> out(4);
  out[3] = matrix_of(s.m, s.n);
  for (int64_t i = 0; i < s.m; ++i)
    for (int64_t j = 0; j < s.n; ++j) {
      const Real shifted = s.offset ? Real(in[0](i, j)) - in[1](0, j) : Real(in[0](i, j));
      put(out[3], i, j, Term::of(shifted * in[2](0, j)));
    }
  return out;
}

}  // namespace plexus::conformance

#include "plexus/backends/conformance/oracle/term.h"
#include "plexus/core/random.h"

namespace plexus::conformance {

std::vector<Expected> evaluate(const DropoutSpec& s, const Values& in) {
  std::vector<Expected> out(4);
  out[3] = matrix_of(s.m, s.n);
  const RandomStream random(uint64_t(int64_t(in[1](0, 0))), Purpose::dropout, s.stream,
                            uint32_t(in[2](0, 0)));
  for (int64_t position = 0; position < s.m * s.n; ++position) {
    const bool kept = random.uniform(uint64_t(position)) >= s.rate;
    const Real y = kept ? in[0].values[size_t(position)] / (1 - Real(s.rate)) : 0;
    put(out[3], position / s.n, position % s.n, Term::of(y));
  }
  return out;
}

}  // namespace plexus::conformance

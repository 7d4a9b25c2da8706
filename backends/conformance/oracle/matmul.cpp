#include "plexus/backends/conformance/oracle/term.h"

namespace plexus::conformance {

std::vector<Expected> evaluate(const MatmulSpec& s, const Values& in) {
  std::vector<Expected> out(4);
  out[3] = matrix_of(s.m, s.n);
  const Matrix &a = in[0], &b = in[1], &bias = in[2], &c = in[3];
  for (int64_t i = 0; i < s.m; ++i) {
    for (int64_t j = 0; j < s.n; ++j) {
      Term sum;
      for (int64_t l = 0; l < s.k; ++l) {
        const Real left = s.form == Form::tn ? a(l, i) : a(i, l);
        const Real right = s.form == Form::nt ? b(j, l) : b(l, j);
        sum += Term::of(left * right);
      }
      if (s.bias) sum += Term::of(bias(0, j));
      if (s.accumulate) sum += Term::of(c(i, j));
      put(out[3], i, j, sum);
    }
  }
  return out;
}

}  // namespace plexus::conformance

#include "plexus/backends/conformance/oracle/term.h"

namespace plexus::conformance {
namespace {

int64_t argmax(const Matrix& x, int64_t i) {
  for (int64_t j = 0; j < x.columns; ++j)
    if (std::isnan(x(i, j))) return j;
  int64_t best = 0;
  for (int64_t j = 1; j < x.columns; ++j)
    if (x(i, j) > x(i, best)) best = j;
  return best;
}

}  // namespace

std::vector<Expected> evaluate(const ReduceSpec& s, const Values& in) {
  std::vector<Expected> out(2);
  const Matrix& x = in[0];
  const bool by_row = s.kind == Reduction::row_sum || s.kind == Reduction::argmax;
  const int64_t rows = by_row ? s.m : 1, columns = s.kind == Reduction::column_sum ? s.n : 1;
  out[1] = matrix_of(rows, columns);
  std::vector<Term> sums(size_t(rows * columns));
  for (int64_t i = 0; i < s.m; ++i) {
    for (int64_t j = 0; j < s.n; ++j) {
      const Real v = x(i, j);
      const size_t element = s.kind == Reduction::column_sum ? size_t(j) : by_row ? size_t(i) : 0;
      sums[element] += Term::of(s.kind == Reduction::sum_squares ? v * v : v);
    }
  }
  for (int64_t e = 0; e < rows * columns; ++e) {
    Term& sum = sums[size_t(e)];
    if (s.kind == Reduction::argmax) sum = Term::of(Real(argmax(x, e)));
    if (s.accumulate) sum += Term::of(in[1].values[size_t(e)]);
    put(out[1], e / columns, e % columns, sum);
  }
  return out;
}

std::vector<Expected> evaluate(const ClipSpec& s, const Values& in) {
  std::vector<Expected> out(2);
  out[1] = matrix_of(1, 1);
  const Real ratio = s.limit / (std::sqrt(Real(in[0](0, 0))) + 1e-6L);
  put(out[1], 0, 0, Term::of(ratio > 1 ? 1 : ratio));
  return out;
}

}  // namespace plexus::conformance

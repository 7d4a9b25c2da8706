#include "plexus/backends/conformance/edges/literals.h"

namespace plexus::conformance {

void reduce_edges(DType type, List& list) {
  auto add = [&](const std::string& name, Reduction kind, Matrix x, Matrix y, Matrix old = {}) {
    ReduceSpec spec{.kind = kind, .m = x.rows, .n = x.columns, .accumulate = old.present, .dtype = type};
    list.push_back({to_string(kind) + ": " + name, spec, -1, {x, old}, {{}, y}});
  };
  const Reduction columns = Reduction::column_sum, rows = Reduction::row_sum,
                  squares = Reduction::sum_squares, argmax = Reduction::argmax;
  const double d = denormal(type);
  add("no rows", columns, Matrix(0, 3), Matrix(1, 3));
  add("no columns", columns, Matrix(3, 0), Matrix(1, 0));
  add("no rows leave the old sum", columns, Matrix(0, 3), row({1, nan, inf}), row({1, nan, inf}));
  add("the old sum is the start", columns, Matrix(2, 2, {1, 2, 3, 4}), row({14, 26}), row({10, 20}));
  add("no rows", rows, Matrix(0, 3), Matrix(0, 1));
  add("no columns", rows, Matrix(3, 0), Matrix(3, 1));
  add("the old sum is the start", rows, Matrix(2, 2, {1, 2, 3, 4}), column({13, 27}), column({10, 20}));
  add("no elements", squares, Matrix(0, 3), one(0));
  add("the old sum is the start", squares, row({3, 4}), one(125), one(100));
  add("f64 holds the square of what f32 holds", squares, row({0x1p100, 1}), one(0x1p200));
  add("denormals", columns, Matrix(3, 1, d), one(3 * d));
  add("infinities", columns, Matrix(2, 3, {inf, inf, -inf, -inf, 1, -inf}), row({nan, inf, -inf}));
  for (int64_t n : {1, 8, 17, 33, 4097}) {
    for (int64_t at : {int64_t(0), n / 2, n - 1}) {
      const std::string place = "NaN at " + std::to_string(at) + " of " + std::to_string(n);
      add(place, columns, with(Matrix(2, n, 1), 1, at, nan), with(Matrix(1, n, 2), 0, at, nan));
      add(place, rows, with(Matrix(2, n, 1), 1, at, nan), column({double(n), nan}));
      add(place, squares, with(Matrix(2, n, 1), 1, at, nan), one(nan));
      add(place, argmax, with(Matrix(1, n, inf), 0, at, nan), one(double(at)));
      add("the largest at " + std::to_string(at), argmax, with(Matrix(1, n, -3), 0, at, -2), one(double(at)));
      add("the first NaN, from " + std::to_string(at), argmax,
          with(with(Matrix(1, n, 0), 0, n - 1, nan), 0, at, nan), one(double(at)));
    }
    add("ties: the lowest index of " + std::to_string(n), argmax, Matrix(3, n, 4), Matrix(3, 1));
    add("a row of -inf", argmax, Matrix(2, n, -inf), Matrix(2, 1));
  }
  add("two largest", argmax, Matrix(2, 5, {1, 7, 3, 7, 7, -9, -8, -8, -9, -8}), column({1, 1}));
  add("zeros of both signs are equal", argmax, Matrix(2, 2, {-0.0, 0.0, 0.0, -0.0}), Matrix(2, 1));
  add("no rows", argmax, Matrix(0, 2), Matrix(0, 1));

  auto clip = [&](const std::string& name, double limit, double sum, double factor, bool exact = true) {
    list.push_back({"clip: " + name, ClipSpec{limit, type}, -1, {one(sum), {}}, {{}, one(factor)}, exact});
  };
  clip("within the limit", 5, 16, 1);
  clip("a gradient of 0", 5, 0, 1);
  clip("beyond the limit", 1, 16, 1 / (4 + 1e-6), false);
  clip("NaN", 1, nan, nan);
  clip("infinite", 1, inf, 0);
}

}  // namespace plexus::conformance

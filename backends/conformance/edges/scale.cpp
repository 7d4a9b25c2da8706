#include "plexus/backends/conformance/edges/literals.h"

namespace plexus::conformance {

void scale_edges(DType type, List& list) {
  auto add = [&](const std::string& name, Matrix x, Matrix offset, Matrix factor, Matrix y) {
    ScaleSpec spec{.m = x.rows, .n = x.columns, .offset = offset.present, .dtype = type};
    list.push_back({"scale: " + name, spec, -1, {x, offset, factor, {}}, {{}, {}, {}, y}});
  };
  add("no rows", Matrix(0, 2), row({1, 1}), row({1, 1}), Matrix(0, 2));
  add("no columns", Matrix(2, 0), Matrix(1, 0), Matrix(1, 0), Matrix(2, 0));
  add("a constant column gives 0", Matrix(2, 2, {5, 1, 5, 3}), row({5, 2}), row({0, 1}),
      Matrix(2, 2, {0, -1, 0, 1}));
  // (x - offset) first: x * scale - offset * scale would leave rounding errors behind.
  add("what equals the offset gives 0", row({1e6, 1e6 + 1}), row({1e6, 1e6}), row({0.375, 0.375}),
      row({0, 0.375}));
  add("NaN stays in its element", Matrix(2, 2, {nan, 1, 2, 3}), row({0, 0}), row({2, 2}),
      Matrix(2, 2, {nan, 2, 4, 6}));
  add("without offset", Matrix(2, 2, {inf, 1, 2, 3}), {}, row({2, -2}), Matrix(2, 2, {inf, -2, 4, -6}));
}

}  // namespace plexus::conformance

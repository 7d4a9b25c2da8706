#include "plexus/backends/conformance/values.h"

namespace plexus::conformance {
namespace {

template <class S>
void set_rows(S& spec, int64_t rows) {
  if constexpr (requires { spec.batch; }) {
    if (rows >= 0 && spec.batch == Batch::m) spec.m = rows;
    if constexpr (requires { spec.k; })
      if (rows >= 0 && spec.batch == Batch::k) spec.k = rows;
    spec.batch = Batch::none;
  }
}

}  // namespace

Spec with_rows(const Spec& spec, int64_t rows) {
  Spec result = spec;
  std::visit([&](auto& s) { set_rows(s, rows); }, result);
  return result;
}

double rounded(double value, DType dtype) { return dtype == DType::f32 ? double(float(value)) : value; }

}  // namespace plexus::conformance

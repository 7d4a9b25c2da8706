// The norm of every column held below a limit: sums in double, in one order whatever threads and layout.
#include <algorithm>
#include <cmath>

#include "plexus/backends/simd/kernel.h"
#include "plexus/backends/simd/panels.h"
#include "plexus/backends/simd/sweep_loops.h"

namespace plexus::simd {
namespace {

constexpr double element_ns = 0.3;  // a sum in double, and sometimes a product

class MaxNorm final : public Kernel {
 public:
  MaxNorm(const MaxNormSpec& spec, const Machine& machine)
      : spec_(spec), executor_(machine.executor), isa_(machine.isa), loops_(sweep_loops(machine.isa)) {}

  void run(void* const* buffers, const Call&) const override {
    auto* const w = static_cast<float*>(buffers[0]);
    executor_.parallel_for(panel_count(spec_.n), grain_rows(element_ns, spec_.m * panel), [&](int64_t first, int64_t last) {
      for (int64_t p = first; p < last; p++) limit(w, p * panel);
    });
  }
  std::string describe() const override { return simd::describe(isa_); }

 private:
  /// The columns [j0, j0 + 32), whether they lie in a panel or not.
  void limit(float* w, int64_t j0) const {
    const int64_t columns = std::min(panel, spec_.n - j0);
    const int64_t stride = spec_.layout ? panel : spec_.n;
    float* const top = spec_.layout ? w + j0 * spec_.m : w + j0;
    double squares[panel];
    loops_.column_squares(top, stride, spec_.m, columns, squares);
    float factors[panel];
    bool all_within = true;
    for (int64_t j = 0; j < columns; j++) {
      const double norm = std::sqrt(squares[j]);
      const bool above = norm > spec_.limit;
      factors[j] = above ? float(spec_.limit / (norm + 1e-7)) : 1;
      all_within &= !above;
    }
    if (all_within) return;
    for (int64_t i = 0; i < spec_.m; i++)
      loops_.scale(top + i * stride, nullptr, factors, top + i * stride, 1, columns);
  }

  MaxNormSpec spec_;
  const Executor& executor_;
  Isa isa_;
  const SweepLoops& loops_;
};

}  // namespace

Claim claim_max_norm(const Run& rest, const Machine& machine) {
  const auto* spec = rest.get<MaxNormSpec>(0);
  if (!spec || spec->dtype != DType::f32 || (spec->layout && spec->layout != &panels())) return {};
  return claim_one<MaxNorm>(*spec, machine);
}

}  // namespace plexus::simd

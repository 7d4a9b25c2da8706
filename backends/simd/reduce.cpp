// Reductions. Every sum has an order of its own, which neither threads nor layouts change.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "plexus/backends/simd/kernel.h"
#include "plexus/backends/simd/panels.h"
#include "plexus/backends/simd/sweep_loops.h"

namespace plexus::simd {
namespace {

constexpr double element_ns = 0.1;  // reads bytes

class Reduce final : public Kernel {
 public:
  Reduce(const ReduceSpec& spec, const Machine& machine)
      : spec_(spec), executor_(machine.executor), isa_(machine.isa), loops_(sweep_loops(machine.isa)) {}

  void run(void* const* buffers, const Call& call) const override {
    const auto* x = static_cast<const float*>(buffers[0]);
    const int64_t m = true_size(spec_.m, spec_.batch == Batch::m, call);
    switch (spec_.kind) {
      case Reduction::column_sum:
        return column_sum(x, m, static_cast<float*>(buffers[1]));
      case Reduction::row_sum:
        return for_rows(m, [&, y = static_cast<float*>(buffers[1])](int64_t i) {
          y[i] = loops_.row_sum(x + i * spec_.n, spec_.n) + (spec_.accumulate ? y[i] : 0);
        });
      case Reduction::argmax:
        return for_rows(m, [&, y = static_cast<int32_t*>(buffers[1])](int64_t i) {
          y[i] = loops_.argmax(x + i * spec_.n, spec_.n);
        });
      case Reduction::sum_squares:
        return sum_squares(x, m, static_cast<double*>(call.workspace), static_cast<double*>(buffers[1]));
    }
  }
  size_t workspace() const override {
    return spec_.kind == Reduction::sum_squares ? size_t(panel_count(spec_.n)) * sizeof(double) : 0;
  }
  std::string describe() const override { return simd::describe(isa_); }

 private:
  template <class Row>
  void for_rows(int64_t m, const Row& row) const {
    executor_.parallel_for(m, grain_rows(element_ns, spec_.n), [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; i++) row(i);
    });
  }

  /// A chain a column, so the threads share the columns.
  void column_sum(const float* x, int64_t m, float* y) const {
    const int64_t columns = std::max<int64_t>(64, grain(element_ns * double(std::max<int64_t>(m, 1))));
    executor_.parallel_for(spec_.n, columns, [&](int64_t first, int64_t last) {
      loops_.column_sum(x + first, spec_.n, m, last - first, spec_.accumulate, y + first);
    });
  }

  /// A sum a panel, whether the columns lie in panels or not: so threads and layouts give the same bits.
  void sum_squares(const float* x, int64_t m, double* sums, double* y) const {
    const int64_t count = panel_count(spec_.n);
    executor_.parallel_for(count, grain_rows(element_ns, m * panel), [&](int64_t first, int64_t last) {
      for (int64_t p = first; p < last; p++) {
        double columns[panel];
        loops_.column_squares(spec_.layout ? x + p * panel * m : x + p * panel, spec_.layout ? panel : spec_.n, m,
                              std::min(panel, spec_.n - p * panel), columns);
        for (int64_t half = panel / 2; half > 0; half /= 2)
          for (int64_t j = 0; j < half; j++) columns[j] += columns[j + half];
        sums[p] = columns[0];
      }
    });
    *y = std::accumulate(sums, sums + count, 0.0) + (spec_.accumulate ? *y : 0);
  }

  ReduceSpec spec_;
  const Executor& executor_;
  Isa isa_;
  const SweepLoops& loops_;
};

class Clip final : public Kernel {
 public:
  Clip(const ClipSpec& spec, const Machine&) : limit_(spec.limit) {}

  void run(void* const* buffers, const Call&) const override {
    const double norm = std::sqrt(*static_cast<const double*>(buffers[0]));
    const double factor = limit_ / (norm + 1e-6);
    *static_cast<float*>(buffers[1]) = float(factor > 1 ? 1 : factor);  // a NaN stays one
  }
  std::string describe() const override { return "one number"; }

 private:
  double limit_;
};

}  // namespace

Claim claim_reduce(const Run& rest, const Machine& machine) {
  const auto* spec = rest.get<ReduceSpec>(0);
  if (!spec || spec->dtype != DType::f32 || (spec->layout && spec->layout != &panels())) return {};
  return claim_one<Reduce>(*spec, machine);
}

Claim claim_clip(const Run& rest, const Machine& machine) {
  const auto* spec = rest.get<ClipSpec>(0);
  return spec && spec->dtype == DType::f32 ? claim_one<Clip>(*spec, machine) : Claim{};
}

}  // namespace plexus::simd

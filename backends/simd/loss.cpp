// Losses: rows for the threads, each with its loss and its gradient in one pass; the losses are added up last, in a fixed
// order.
#include <limits>

#include "plexus/backends/simd/kernel.h"
#include "plexus/backends/simd/loss_rows.h"

namespace plexus::simd {
namespace {

constexpr double element_ns = 2;  // an exponential, and two passes over the row; with AVX2

class LossKernel final : public Kernel {
 public:
  LossKernel(const LossSpec& spec, const Machine& machine)
      : spec_(spec), executor_(machine.executor), isa_(machine.isa), loops_(loss_loops(machine.isa)) {}

  /// The loss of every row.
  size_t workspace() const override { return size_t(spec_.m) * sizeof(float); }
  std::string describe() const override { return simd::describe(isa_); }

  void run(void* const* buffers, const Call& call) const override {
    const int64_t m = true_size(spec_.m, spec_.batch == Batch::m, call), n = spec_.n;
    const auto* given_scale = static_cast<const float*>(buffers[4]);
    auto* const value = static_cast<float*>(buffers[6]);
    if (m == 0) {
      *value = given_scale ? 0 : std::numeric_limits<float>::quiet_NaN();
      return;
    }
    auto* const losses = static_cast<float*>(call.workspace);
    const float scale = given_scale ? *given_scale : 1 / float(m);
    const bool numbers = spec_.kind == LossKind::softmax_cross_entropy;
    executor_.parallel_for(m, grain_rows(element_ns, n), [&](int64_t first, int64_t last) {
      LossRows rows;
      rows.rows = last - first;
      rows.columns = n;
      rows.prediction = static_cast<const float*>(buffers[0]) + first * n;
      rows.target = static_cast<const float*>(buffers[1]) + first * (numbers ? 1 : n);  // labels have four bytes too
      rows.class_weights = static_cast<const float*>(buffers[2]);
      if (buffers[3]) rows.sample_weights = static_cast<const float*>(buffers[3]) + first;
      rows.scale = scale;
      rows.delta = float(spec_.delta);
      if (buffers[5]) rows.gradient = static_cast<float*>(buffers[5]) + first * n;
      rows.loss = losses + first;
      loops_.rows[size_t(spec_.kind)](rows);
    });
    *value = loops_.sum(losses, m);
  }

 private:
  LossSpec spec_;
  const Executor& executor_;
  Isa isa_;
  const LossLoops& loops_;
};

}  // namespace

Claim claim_loss(const Run& rest, const Machine& machine) {
  const auto* spec = rest.get<LossSpec>(0);
  return spec && spec->dtype == DType::f32 ? claim_one<LossKernel>(*spec, machine) : Claim{};
}

}  // namespace plexus::simd

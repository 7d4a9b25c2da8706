// Columns shifted and scaled.
#include "plexus/backends/simd/kernel.h"
#include "plexus/backends/simd/sweep_loops.h"

namespace plexus::simd {
namespace {

constexpr double element_ns = 0.1;  // moves bytes

class Scale final : public Kernel {
 public:
  Scale(const ScaleSpec& spec, const Machine& machine)
      : spec_(spec), executor_(machine.executor), isa_(machine.isa), loop_(sweep_loops(machine.isa).scale) {}

  void run(void* const* buffers, const Call& call) const override {
    const auto* x = static_cast<const float*>(buffers[0]);
    const auto* offset = static_cast<const float*>(buffers[1]);
    const auto* factor = static_cast<const float*>(buffers[2]);
    auto* y = static_cast<float*>(buffers[3]);
    const int64_t m = true_size(spec_.m, spec_.batch == Batch::m, call), n = spec_.n;
    executor_.parallel_for(m, grain_rows(element_ns, n), [&](int64_t first, int64_t last) {
      loop_(x + first * n, offset, factor, y + first * n, last - first, n);
    });
  }
  std::string describe() const override { return simd::describe(isa_); }

 private:
  ScaleSpec spec_;
  const Executor& executor_;
  Isa isa_;
  decltype(SweepLoops::scale) loop_;
};

}  // namespace

Claim claim_scale(const Run& rest, const Machine& machine) {
  const auto* spec = rest.get<ScaleSpec>(0);
  return spec && spec->dtype == DType::f32 ? claim_one<Scale>(*spec, machine) : Claim{};
}

}  // namespace plexus::simd

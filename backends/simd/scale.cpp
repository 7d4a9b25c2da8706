// Columns shifted and scaled.
#include "plexus/backends/simd/kernel.h"
#include "plexus/backends/simd/sweep_loops.h"

namespace plexus::simd {
namespace {

// Elements of a piece, at least: those that make 2 us of work, as many as a gathered batch is cut into. It comes from the threads
// that gathered it, and where one wrote what another reads, moving it takes ten times as long as scaling it.
constexpr int64_t piece_elements = 16384;

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
    const int64_t grain = executor_.even_grain(m, piece_elements / std::max<int64_t>(1, n));
    executor_.parallel_for(m, grain, [&](int64_t first, int64_t last) {
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

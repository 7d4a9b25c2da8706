// Dropout: forward and backward are the same selection.
#include "plexus/backends/simd/kernel.h"
#include "plexus/backends/simd/sweep_loops.h"

namespace plexus::simd {
namespace {

constexpr double element_ns = 0.6;  // a quarter of ten rounds of Philox, eight of which run side by side

class Dropout final : public Kernel {
 public:
  Dropout(const DropoutSpec& spec, const Machine& machine)
      : spec_(spec), executor_(machine.executor), isa_(machine.isa), loop_(sweep_loops(machine.isa).dropout) {}

  void run(void* const* buffers, const Call& call) const override {
    const auto* x = static_cast<const float*>(buffers[0]);
    const auto seed = uint64_t(*static_cast<const int64_t*>(buffers[1]));
    const auto step = uint32_t(*static_cast<const int64_t*>(buffers[2]));
    auto* y = static_cast<float*>(buffers[3]);
    const int64_t count = true_size(spec_.m, spec_.batch == Batch::m, call) * spec_.n;
    executor_.parallel_for(count, grain(element_ns), [&](int64_t first, int64_t last) {
      loop_(x + first, y + first, first, last - first, seed, spec_.stream, step, spec_.rate);
    });
  }
  std::string describe() const override { return simd::describe(isa_); }

 private:
  DropoutSpec spec_;
  const Executor& executor_;
  Isa isa_;
  decltype(SweepLoops::dropout) loop_;
};

}  // namespace

Claim claim_dropout(const Run& rest, const Machine& machine) {
  const auto* spec = rest.get<DropoutSpec>(0);
  return spec && spec->dtype == DType::f32 ? claim_one<Dropout>(*spec, machine) : Claim{};
}

}  // namespace plexus::simd

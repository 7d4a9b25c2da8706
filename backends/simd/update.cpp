// Optimizer steps: one sweep over the flat part of a parameter, its gradient and its states.
#include "plexus/backends/simd/kernel.h"
#include "plexus/backends/simd/update.h"

namespace plexus::simd {
namespace {

class Update final : public Kernel {
 public:
  Update(const UpdateSpec& spec, const Machine& machine)
      : spec_(spec),
        executor_(machine.executor),
        isa_(machine.isa),
        loop_(update_loops(machine.isa).of[size_t(spec.kind)]),
        count_(flat_elements(spec.layout, Shape{spec.m, spec.n})) {}

  void run(void* const* buffers, const Call&) const override {
    const UpdateStretch whole = update_stretch(spec_, buffers);
    executor_.parallel_for(count_, grain(update_ns(spec_.kind)), [&](int64_t first, int64_t last) {
      loop_(stretch_of(whole, first, last - first));
    });
  }
  std::string describe() const override { return simd::describe(isa_); }

 private:
  UpdateSpec spec_;
  const Executor& executor_;
  Isa isa_;
  UpdateLoop loop_;
  int64_t count_;
};

}  // namespace

UpdateStretch update_stretch(const UpdateSpec& spec, void* const* buffers) {
  UpdateStretch s;
  s.parameter = static_cast<float*>(buffers[0]);
  s.gradient = static_cast<const float*>(buffers[1]);
  s.first = static_cast<float*>(buffers[2]);
  s.second = static_cast<float*>(buffers[3]);
  const float rate = *static_cast<const float*>(buffers[4]);
  s.rate = rate;
  if (buffers[6]) s.scale = *static_cast<const float*>(buffers[6]);
  const bool decoupled = spec.kind == UpdateKind::adamw;
  s.weight_decay = float((decoupled ? 0 : spec.weight_decay) + 2 * spec.l2);
  if (decoupled) s.shrink = float(double(rate) * spec.weight_decay);
  s.l1 = float(spec.l1);
  s.clip_value = float(spec.clip_value);
  s.momentum = float(spec.momentum);
  s.nesterov = spec.nesterov;
  s.beta1 = float(spec.beta1), s.fresh1 = float(1 - spec.beta1);
  s.beta2 = float(spec.beta2), s.fresh2 = float(1 - spec.beta2);
  s.epsilon = float(spec.epsilon);
  if (spec.has_moments()) {
    const StepFactors factors = step_factors(spec, *static_cast<const int64_t*>(buffers[5]));
    s.rate = float(double(rate) * factors.moment);
    s.gradient_rate = float(double(rate) * factors.gradient);
    s.root_scale = float(factors.root);
    s.adaptive = factors.adaptive;
  }
  return s;
}

Claim claim_update(const Run& rest, const Machine& machine) {
  const auto* spec = rest.get<UpdateSpec>(0);
  return spec && spec->dtype == DType::f32 ? claim_one<Update>(*spec, machine) : Claim{};
}

}  // namespace plexus::simd

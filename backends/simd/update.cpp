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
        rule_(update_rule(spec)),
        loop_(update_loops(machine.isa).of[size_t(spec.kind)]),
        count_(flat_elements(spec.layout, Shape{spec.m, spec.n})) {}

  void run(void* const* buffers, const Call&) const override {
    UpdateRule rule = rule_;
    begin_step(rule, spec_, buffers);
    const UpdateStretch whole = whole_stretch(buffers);
    executor_.parallel_for(count_, grain(update_ns(spec_.kind)), [&](int64_t first, int64_t last) {
      loop_(rule, stretch_of(whole, first, last - first));
    });
  }
  std::string describe() const override { return simd::describe(isa_); }

 private:
  UpdateSpec spec_;
  const Executor& executor_;
  Isa isa_;
  UpdateRule rule_;
  UpdateLoop loop_;
  int64_t count_;
};

}  // namespace

UpdateRule update_rule(const UpdateSpec& spec) {
  UpdateRule rule;
  rule.weight_decay = float((spec.kind == UpdateKind::adamw ? 0 : spec.weight_decay) + 2 * spec.l2);
  rule.l1 = float(spec.l1);
  rule.clip_value = float(spec.clip_value);
  rule.momentum = float(spec.momentum);
  rule.nesterov = spec.nesterov;
  rule.beta1 = float(spec.beta1), rule.fresh1 = float(1 - spec.beta1);
  rule.beta2 = float(spec.beta2), rule.fresh2 = float(1 - spec.beta2);
  rule.epsilon = float(spec.epsilon);
  return rule;
}

void begin_step(UpdateRule& rule, const UpdateSpec& spec, void* const* buffers) {
  const float rate = *static_cast<const float*>(buffers[4]);
  rule.rate = rate;
  if (buffers[6]) rule.scale = *static_cast<const float*>(buffers[6]);
  if (spec.kind == UpdateKind::adamw) rule.shrink = float(double(rate) * spec.weight_decay);
  if (spec.has_moments()) {
    const StepFactors factors = step_factors(spec, *static_cast<const int64_t*>(buffers[5]));
    rule.rate = float(double(rate) * factors.moment);
    rule.gradient_rate = float(double(rate) * factors.gradient);
    rule.root_scale = float(factors.root);
    rule.adaptive = factors.adaptive;
  }
}

Claim claim_update(const Run& rest, const Machine& machine) {
  const auto* spec = rest.get<UpdateSpec>(0);
  return spec && spec->dtype == DType::f32 ? claim_one<Update>(*spec, machine) : Claim{};
}

}  // namespace plexus::simd

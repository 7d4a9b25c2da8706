// Activations and their gradients: rows, or stretches of the whole array, for the threads.
#include "plexus/backends/simd/activation_loops.h"
#include "plexus/backends/simd/kernel.h"

namespace plexus::simd {
namespace {

// Nanoseconds an element, one thread, in the second-level cache: relu moves bytes, the others take an exponential or two.
constexpr double cheap_ns = 0.1, costly_ns = 0.6;

double element_ns(Activation kind) {
  return kind == Activation::relu || kind == Activation::leaky_relu ? cheap_ns : costly_ns;
}

/// Calls work(first element, elements) where kinds are elementwise, work(first row * n, rows * n) where they are not.
template <class Work>
void for_blocks(const Executor& executor, Activation kind, int64_t m, int64_t n, const Work& work) {
  if (elementwise(kind))
    return executor.parallel_for(m * n, grain(element_ns(kind)),
                                 [&](int64_t first, int64_t last) { work(first, 1, last - first); });
  executor.parallel_for(m, grain_rows(costly_ns, n),
                        [&](int64_t first, int64_t last) { work(first * n, last - first, n); });
}

class Forward final : public Kernel {
 public:
  Forward(const ActivationSpec& spec, const Machine& machine)
      : spec_(spec),
        executor_(machine.executor),
        isa_(machine.isa),
        loop_(activation_loops(machine.isa).forward[size_t(spec.kind)]) {}

  void run(void* const* buffers, const Call& call) const override {
    const auto* x = static_cast<const float*>(buffers[0]);
    auto* y = static_cast<float*>(buffers[1]);
    const int64_t m = true_size(spec_.m, spec_.batch == Batch::m, call);
    for_blocks(executor_, spec_.kind, m, spec_.n, [&](int64_t at, int64_t rows, int64_t columns) {
      loop_({rows, columns, x + at, columns, y + at, columns, float(spec_.alpha)});
    });
  }
  std::string describe() const override { return simd::describe(isa_); }

 private:
  ActivationSpec spec_;
  const Executor& executor_;
  Isa isa_;
  void (*loop_)(const ActivationBlock&);
};

class Backward final : public Kernel {
 public:
  Backward(const ActivationGradientSpec& spec, const Machine& machine)
      : spec_(spec),
        executor_(machine.executor),
        isa_(machine.isa),
        loop_(activation_loops(machine.isa).backward[size_t(spec.kind)]) {}

  void run(void* const* buffers, const Call& call) const override {
    const auto *dy = static_cast<const float*>(buffers[0]), *saved = static_cast<const float*>(buffers[1]);
    auto* dx = static_cast<float*>(buffers[2]);
    const int64_t m = true_size(spec_.m, spec_.batch == Batch::m, call);
    for_blocks(executor_, spec_.kind, m, spec_.n, [&](int64_t at, int64_t rows, int64_t columns) {
      loop_({rows, columns, dy + at, columns, saved + at, columns, dx + at, columns, float(spec_.alpha)});
    });
  }
  std::string describe() const override { return simd::describe(isa_); }

 private:
  ActivationGradientSpec spec_;
  const Executor& executor_;
  Isa isa_;
  void (*loop_)(const ActivationGradientBlock&);
};

}  // namespace

Claim claim_activation(const Run& rest, const Machine& machine) {
  const auto* spec = rest.get<ActivationSpec>(0);
  return spec && spec->dtype == DType::f32 ? claim_one<Forward>(*spec, machine) : Claim{};
}

Claim claim_activation_gradient(const Run& rest, const Machine& machine) {
  const auto* spec = rest.get<ActivationGradientSpec>(0);
  return spec && spec->dtype == DType::f32 ? claim_one<Backward>(*spec, machine) : Claim{};
}

}  // namespace plexus::simd

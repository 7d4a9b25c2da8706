#include "plexus/backends/simd/simd.h"

#include <algorithm>

#include "plexus/backends/simd/panels.h"

namespace plexus::simd {
namespace {

using Matcher = Claim (*)(const Run& rest, const Machine& machine);

// Longest first: a claim is taken from the front.
constexpr Matcher matchers[] = {
    claim_weight_step, claim_matmul_activation, claim_matmul_activation_gradient,
    claim_matmul, claim_activation, claim_activation_gradient, claim_loss, claim_dropout, claim_reduce, claim_clip,
    claim_scale, claim_update, claim_max_norm,
};

// Narrower parameters would be padded by more than a third.
constexpr int64_t least_columns = 24;

/// The parameter is a matrix of f32 that a forward product multiplies with.
bool multiplied(const Program& program, BufferId parameter) {
  const Buffer& buffer = program[parameter];
  if (buffer.role != Role::parameter || buffer.dtype != DType::f32 || buffer.shape.rank() != 2 ||
      buffer.shape.columns() < least_columns)
    return false;
  return std::any_of(program.operations().begin(), program.operations().end(), [&](const Operation& operation) {
    const auto* matmul = std::get_if<MatmulSpec>(&operation.spec);
    return matmul && matmul->form == Form::nn && operation.buffers[1] == parameter;
  });
}

class Simd final : public Backend {
 public:
  Simd(std::shared_ptr<const Executor> executor, Isa isa) : executor_(std::move(executor)), isa_(isa) {}

  std::string name() const override { return "simd"; }

  Claim claim(const Run& rest) const override {
    if (rest.size() == 0) return {};
    for (const Matcher matcher : matchers)
      if (Claim claim = matcher(rest, {*executor_, isa_}); claim.count > 0) return claim;
    return {};
  }

  std::span<const Layout* const> layouts(const Program& program, BufferId parameter) const override {
    static const Layout* const wishes[] = {&panels()};
    return multiplied(program, parameter) ? std::span<const Layout* const>(wishes) : std::span<const Layout* const>();
  }

 private:
  std::shared_ptr<const Executor> executor_;
  Isa isa_;
};

}  // namespace

std::unique_ptr<const Backend> make_backend(std::shared_ptr<const Executor> executor, Isa isa) {
  return std::make_unique<Simd>(std::move(executor), isa);
}

}  // namespace plexus::simd

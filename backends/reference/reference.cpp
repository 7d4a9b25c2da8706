#include "plexus/backends/reference/reference.h"

#include <utility>

namespace plexus::reference {
namespace {

bool real(DType dtype) { return dtype == DType::f32 || dtype == DType::f64; }

/// The element types that there are kernels for.
template <class S>
bool has_kernel(const S& spec) {
  return real(spec.dtype);
}
bool has_kernel(const MatmulSpec& spec) { return real(spec.a) && spec.b == spec.a && spec.c == spec.a; }

/// Packed parameters: optimizer steps sweep over the flat part, sums of squares and norms unpack first.
/// Everything else needs plain rows.
bool reads_layout(const Spec& spec) {
  return !layout(spec) || std::holds_alternative<UpdateSpec>(spec) ||
         std::holds_alternative<ReduceSpec>(spec) || std::holds_alternative<MaxNormSpec>(spec);
}

/// One operation at a time.
class Reference final : public Backend {
 public:
  explicit Reference(std::shared_ptr<const Executor> executor) : executor_(std::move(executor)) {}

  std::string name() const override { return "reference"; }

  Claim claim(const Run& rest) const override {
    if (rest.size() == 0) return {};
    const Spec& spec = rest[0].spec;
    if (!reads_layout(spec) || !std::visit([](const auto& s) { return has_kernel(s); }, spec)) return {};
    return {1, [this, spec] {
              // A family without an overload of make_kernel does not compile here.
              return std::visit([this](const auto& s) { return make_kernel(s, *executor_); }, spec);
            }};
  }

 private:
  std::shared_ptr<const Executor> executor_;
};

}  // namespace

std::unique_ptr<const Backend> make_backend(std::shared_ptr<const Executor> executor) {
  return std::make_unique<Reference>(std::move(executor));
}

}  // namespace plexus::reference

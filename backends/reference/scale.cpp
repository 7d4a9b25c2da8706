// Columns shifted and scaled.
#include "plexus/backends/reference/kernel.h"

namespace plexus::reference {
namespace {

constexpr double element_ns = 1;

template <class T>
void scale(const ScaleSpec& spec, const ScaleSpec::Args& args, const Resources& resources) {
  const auto* x = static_cast<const T*>(args.x);
  const auto* offset = static_cast<const T*>(args.offset);
  const auto* factor = static_cast<const T*>(args.scale);
  auto* y = static_cast<T*>(args.y);
  resources.executor.parallel_for(
      spec.m, grain(element_ns * double(spec.n)), [&](int64_t first, int64_t last) {
        for (int64_t i = first; i < last; i++)
          for (int64_t j = 0; j < spec.n; j++) {
            const double shifted = double(x[i * spec.n + j]) - (spec.offset ? double(offset[j]) : 0);
            y[i * spec.n + j] = T(shifted * double(factor[j]));
          }
      });
}

}  // namespace

KernelPointer make_kernel(const ScaleSpec& spec, const Executor& executor) {
  return typed_kernel(spec, spec.dtype, executor, scale<float>, scale<double>);
}

}  // namespace plexus::reference

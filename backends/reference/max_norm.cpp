// The norm of every column held below a limit: sums in ascending order of the rows, whatever the threads.
#include <cmath>

#include "plexus/backends/reference/kernel.h"

namespace plexus::reference {
namespace {

constexpr double element_ns = 2;

template <class T>
void max_norm(const MaxNormSpec& spec, const MaxNormSpec::Args& args, const Resources& resources) {
  const Shape shape{spec.m, spec.n};
  auto* const w = static_cast<T*>(spec.layout ? resources.workspace : args.parameter);
  if (spec.layout) spec.layout->unpack(args.parameter, w, shape, spec.dtype);
  resources.executor.parallel_for(
      spec.n, grain(element_ns * double(spec.m)), [&](int64_t first, int64_t last) {
        for (int64_t j = first; j < last; j++) {
          double squares = 0;
          for (int64_t i = 0; i < spec.m; i++)
            squares += double(w[i * spec.n + j]) * double(w[i * spec.n + j]);
          const double norm = std::sqrt(squares);
          if (!(norm > spec.limit)) continue;
          for (int64_t i = 0; i < spec.m; i++)
            w[i * spec.n + j] = T(double(w[i * spec.n + j]) * (spec.limit / (norm + 1e-7)));
        }
      });
  if (spec.layout) spec.layout->pack(w, args.parameter, shape, spec.dtype);
}

}  // namespace

KernelPointer make_kernel(const MaxNormSpec& spec, const Executor& executor) {
  return typed_kernel(spec, spec.dtype, executor, max_norm<float>, max_norm<double>,
                      spec.layout ? size_t(spec.m * spec.n) * size_of(spec.dtype) : 0);
}

}  // namespace plexus::reference

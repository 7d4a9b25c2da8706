// Reductions of a matrix. Every sum is one chain in ascending order of the plain index, whatever the threads.
#include <algorithm>
#include <cmath>

#include "plexus/backends/reference/kernel.h"

namespace plexus::reference {
namespace {

constexpr double element_ns = 1;

// Columns summed together: their double accumulators fill four cache lines, and the elements read from one
// row at least two, so that no line of x is fetched twice.
constexpr int64_t column_block = 32;

template <class T>
void column_sum(const ReduceSpec& spec, const ReduceSpec::Args& args, const Resources& resources) {
  const auto* x = static_cast<const T*>(args.x);
  auto* y = static_cast<T*>(args.y);
  const int64_t blocks = (spec.n + column_block - 1) / column_block;
  const double block_ns = element_ns * double(spec.m * column_block);
  resources.executor.parallel_for(blocks, grain(block_ns), [&](int64_t first, int64_t last) {
    for (int64_t block = first; block < last; block++) {
      const int64_t begin = block * column_block, width = std::min(column_block, spec.n - begin);
      double sum[column_block] = {};
      if (spec.accumulate)
        for (int64_t j = 0; j < width; j++) sum[j] = double(y[begin + j]);
      for (int64_t i = 0; i < spec.m; i++)
        for (int64_t j = 0; j < width; j++) sum[j] += double(x[i * spec.n + begin + j]);
      for (int64_t j = 0; j < width; j++) y[begin + j] = T(sum[j]);
    }
  });
}

template <class T>
void row_sum(const ReduceSpec& spec, const ReduceSpec::Args& args, const Resources& resources) {
  const auto* x = static_cast<const T*>(args.x);
  auto* y = static_cast<T*>(args.y);
  resources.executor.parallel_for(spec.m, grain(element_ns * double(spec.n)),
                                  [&](int64_t first, int64_t last) {
                                    for (int64_t i = first; i < last; i++) {
                                      double sum = spec.accumulate ? double(y[i]) : 0;
                                      for (int64_t j = 0; j < spec.n; j++) sum += double(x[i * spec.n + j]);
                                      y[i] = T(sum);
                                    }
                                  });
}

/// One chain over the whole matrix in plain order, so on one thread.
template <class T>
void sum_squares(const ReduceSpec& spec, const ReduceSpec::Args& args, const Resources& resources) {
  const auto* x = static_cast<const T*>(args.x);
  if (spec.layout) {
    spec.layout->unpack(args.x, resources.workspace, Shape{spec.m, spec.n}, spec.dtype);
    x = static_cast<const T*>(resources.workspace);
  }
  auto* y = static_cast<double*>(args.y);
  double sum = spec.accumulate ? *y : 0;
  for (int64_t i = 0; i < spec.m * spec.n; i++) sum += double(x[i]) * double(x[i]);
  *y = sum;
}

template <class T>
int32_t argmax_of_row(const T* x, int64_t n) {
  int64_t top = 0;
  for (int64_t j = 0; j < n; j++) {
    if (std::isnan(x[j])) return int32_t(j);
    if (x[j] > x[top]) top = j;
  }
  return int32_t(top);
}

template <class T>
void argmax(const ReduceSpec& spec, const ReduceSpec::Args& args, const Resources& resources) {
  const auto* x = static_cast<const T*>(args.x);
  auto* y = static_cast<int32_t*>(args.y);
  resources.executor.parallel_for(spec.m, grain(element_ns * double(spec.n)),
                                  [&](int64_t first, int64_t last) {
                                    for (int64_t i = first; i < last; i++)
                                      y[i] = argmax_of_row(x + i * spec.n, spec.n);
                                  });
}

template <class T>
void clip(const ClipSpec& spec, const ClipSpec::Args& args, const Resources&) {
  const double norm = std::sqrt(*static_cast<const double*>(args.sum_squares));
  const double factor = spec.limit / (norm + 1e-6);
  *static_cast<T*>(args.factor) = T(factor > 1 ? 1 : factor);  // a NaN stays one
}

}  // namespace

KernelPointer make_kernel(const ReduceSpec& spec, const Executor& executor) {
  switch (spec.kind) {
    case Reduction::column_sum:
      return typed_kernel(spec, spec.dtype, executor, column_sum<float>, column_sum<double>);
    case Reduction::row_sum:
      return typed_kernel(spec, spec.dtype, executor, row_sum<float>, row_sum<double>);
    case Reduction::sum_squares:
      return typed_kernel(spec, spec.dtype, executor, sum_squares<float>, sum_squares<double>,
                          spec.layout ? size_t(spec.m * spec.n) * size_of(spec.dtype) : 0);
    case Reduction::argmax:
      return typed_kernel(spec, spec.dtype, executor, argmax<float>, argmax<double>);
  }
  return nullptr;
}

KernelPointer make_kernel(const ClipSpec& spec, const Executor& executor) {
  return typed_kernel(spec, spec.dtype, executor, clip<float>, clip<double>);
}

}  // namespace plexus::reference

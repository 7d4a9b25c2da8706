// Matrix products. An element of c is one chain of double additions in ascending k, whatever the block that
// it is in.
#include <algorithm>

#include "plexus/backends/reference/kernel.h"

namespace plexus::reference {
namespace {

// Columns of c computed together: 64 double accumulators are 512 bytes, which stay in the first-level cache
// beside the row of b, and give the compiler independent chains to work on at the same time.
constexpr int64_t block = 64;

// Chains that run at once where b is transposed and every element is a dot product: an addition takes 4
// cycles and two can start in each, so 8 keep the adders busy.
constexpr int64_t chains = 8;

constexpr double product_ns = 0.25;  // one multiplication and addition

/// sum[j] += a[k] b[k, j] for all k; `a_stride` leads from one k to the next.
template <class T>
void add_rows(double* sum, int64_t width, int64_t depth, const T* a, int64_t a_stride, const T* b,
              int64_t ldb) {
  for (int64_t k = 0; k < depth; k++) {
    const auto factor = double(a[k * a_stride]);
    const T* row = b + k * ldb;
    for (int64_t j = 0; j < width; j++) sum[j] += factor * double(row[j]);
  }
}

/// sum[j] += a[k] b[j, k] for all k.
template <class T>
void add_dot_products(double* sum, int64_t width, int64_t depth, const T* a, const T* b, int64_t ldb) {
  int64_t j = 0;
  for (; j + chains <= width; j += chains) {
    double chain[chains];
    std::copy_n(sum + j, chains, chain);
    for (int64_t k = 0; k < depth; k++) {
      const auto factor = double(a[k]);
      for (int64_t c = 0; c < chains; c++) chain[c] += factor * double(b[(j + c) * ldb + k]);
    }
    std::copy_n(chain, chains, sum + j);
  }
  for (; j < width; j++)
    for (int64_t k = 0; k < depth; k++) sum[j] += double(a[k]) * double(b[j * ldb + k]);
}

template <class T>
void matmul(const MatmulSpec& spec, const MatmulSpec::Args& args, const Resources& resources) {
  const auto* a = static_cast<const T*>(args.a);
  const auto* b = static_cast<const T*>(args.b);
  const auto* bias = static_cast<const T*>(args.bias);
  auto* c = static_cast<T*>(args.c);

  // Rows [first, last) of c, a block of columns at a time: the block of b stays in the cache while rows pass
  // by.
  const auto rows = [&](int64_t first, int64_t last) {
    for (int64_t begin = 0; begin < spec.n; begin += block) {
      const int64_t width = std::min(block, spec.n - begin);
      for (int64_t i = first; i < last; i++) {
        T* result = c + i * spec.ldc + begin;
        double sum[block] = {};
        if (spec.accumulate) std::copy_n(result, width, sum);
        if (spec.bias) std::copy_n(bias + begin, width, sum);
        switch (spec.form) {
          case Form::nn:
            add_rows(sum, width, spec.k, a + i * spec.lda, 1, b + begin, spec.ldb);
            break;
          case Form::tn:
            add_rows(sum, width, spec.k, a + i, spec.lda, b + begin, spec.ldb);
            break;
          case Form::nt:
            add_dot_products(sum, width, spec.k, a + i * spec.lda, b + begin * spec.ldb, spec.ldb);
            break;
        }
        for (int64_t j = 0; j < width; j++) result[j] = T(sum[j]);
      }
    }
  };
  resources.executor.parallel_for(spec.m, grain(product_ns * double(spec.n * spec.k)), rows);
}

}  // namespace

KernelPointer make_kernel(const MatmulSpec& spec, const Executor& executor) {
  if (spec.b != spec.a || spec.c != spec.a) return nullptr;
  MatmulSpec dense = spec;  // with its strides spelled out, from the full size of the batch
  dense.lda = operand(spec, 0).stride;
  dense.ldb = operand(spec, 1).stride;
  dense.ldc = operand(spec, 3).stride;
  return typed_kernel(dense, spec.c, executor, matmul<float>, matmul<double>);
}

}  // namespace plexus::reference

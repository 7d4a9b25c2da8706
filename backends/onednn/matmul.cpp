// Matrix products, with bias, accumulation and a following activation in the same pass.
#include "plexus/backends/onednn/kernel.h"

namespace plexus::onednn {
namespace {

Primitive product(const plexus_matmul& spec, int64_t m, int64_t k, int64_t ldc, const dnnl::post_ops& post) {
  const Descriptor a = spec.form == PLEXUS_TN ? matrix(m, k, 1, spec.lda) : matrix(m, k, spec.lda);
  const Descriptor b = spec.form == PLEXUS_NT ? matrix(k, spec.n, 1, spec.ldb) : matrix(k, spec.n, spec.ldb);
  const Descriptor bias = spec.bias ? matrix(1, spec.n, spec.n) : Descriptor();
  const Descriptor c = matrix(m, spec.n, ldc);
  std::vector<Operand> operands = {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}};
  if (spec.bias) operands.push_back({DNNL_ARG_BIAS, bias});
  operands.push_back({DNNL_ARG_DST, c});
  return {matmul(a, b, bias, c, attributes(post)), std::move(operands)};
}

dnnl::post_ops adding() {
  dnnl::post_ops post;
  post.append_sum(1);
  return post;
}

}  // namespace

KernelPointer make_kernel(const plexus_matmul& spec, const std::optional<plexus_activation>& following,
                          const Setting& setting) {
  const bool depth = spec.batch == PLEXUS_BATCH_K;  // the batch is summed over
  std::vector<Moving> operands = {{PLEXUS_MATMUL_A, spec.lda}, {PLEXUS_MATMUL_B, depth ? spec.ldb : 0}};
  if (spec.bias) operands.push_back({PLEXUS_MATMUL_BIAS});
  if (following)
    operands.push_back({size_t(PLEXUS_MATMUL_SLOTS) + size_t(PLEXUS_ACTIVATION_Y), spec.n});
  else
    operands.push_back({PLEXUS_MATMUL_C, depth ? 0 : spec.ldc});

  if (depth) {
    if (following || spec.bias)
      throw Unsupported("a product over the batch is summed up before anything follows");
    return sum_kernel(setting, std::move(operands), {spec.m, spec.n, spec.ldc, spec.accumulate != 0},
                      [&](int64_t rows, bool add) {
                        return product(spec, spec.m, rows, spec.ldc, add ? adding() : dnnl::post_ops());
                      });
  }
  dnnl::post_ops post = spec.accumulate ? adding() : dnnl::post_ops();
  if (following) append(post, *following);
  const int64_t ldc = following ? spec.n : spec.ldc;
  return row_kernel(setting, std::move(operands),
                    [&](int64_t rows) { return product(spec, rows, spec.k, ldc, post); });
}

}  // namespace plexus::onednn

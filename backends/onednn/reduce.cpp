// Sums of rows. Columns oneDNN sums with its reference implementation only.
#include "plexus/backends/onednn/kernel.h"

namespace plexus::onednn {

// One column is nothing to reduce.
bool has(const plexus_reduce& spec) { return spec.kind == PLEXUS_ROW_SUM && spec.n > 1; }

KernelPointer make_kernel(const plexus_reduce& spec, const Setting& setting) {
  dnnl::post_ops post;
  if (spec.accumulate) post.append_sum(1);
  return row_kernel(setting, {{PLEXUS_REDUCE_X, spec.n}, {PLEXUS_REDUCE_Y, 1}},
                    [&](int64_t rows) -> Primitive {
                      const Descriptor x = matrix(rows, spec.n, spec.n), y = matrix(rows, 1, 1);
                      return {sum(x, y, attributes(post)), {{DNNL_ARG_SRC, x}, {DNNL_ARG_DST, y}}};
                    });
}

}  // namespace plexus::onednn

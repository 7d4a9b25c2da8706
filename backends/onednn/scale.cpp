// Columns shifted and scaled, in one pass.
#include "plexus/backends/onednn/kernel.h"

namespace plexus::onednn {

KernelPointer make_kernel(const plexus_scale& spec, const Setting& setting) {
  std::vector<Moving> operands = {{PLEXUS_SCALE_X, spec.n}};
  if (spec.offset) operands.push_back({PLEXUS_SCALE_OFFSET});
  operands.push_back({PLEXUS_SCALE_SCALE});
  operands.push_back({PLEXUS_SCALE_Y, spec.n});

  const Descriptor row = matrix(1, spec.n, spec.n);  // oneDNN repeats it for all rows
  return row_kernel(setting, std::move(operands), [&](int64_t rows) -> Primitive {
    const Descriptor x = matrix(rows, spec.n, spec.n);
    if (!spec.offset)
      return {binary(dnnl::algorithm::binary_mul, x, row, x, attributes()),
              {{DNNL_ARG_SRC_0, x}, {DNNL_ARG_SRC_1, row}, {DNNL_ARG_DST, x}}};
    dnnl::post_ops post;
    post.append_binary(dnnl::algorithm::binary_mul, row);
    return {binary(dnnl::algorithm::binary_sub, x, row, x, attributes(post)),
            {{DNNL_ARG_SRC_0, x},
             {DNNL_ARG_SRC_1, row},
             {DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1, row},
             {DNNL_ARG_DST, x}}};
  });
}

}  // namespace plexus::onednn

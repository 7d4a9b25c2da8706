#include "plexus/core/backend.h"

namespace plexus {

Layout::~Layout() = default;
Kernel::~Kernel() = default;
Backend::~Backend() = default;

void Layout::refresh(void*, const Shape&, DType) const {}

Shape matrix_shape(const Shape& shape) {
  return shape.rank() < 2 ? Shape{1, shape.elements()} : Shape{shape.rows(), shape.columns()};
}

int64_t stored_elements(const Layout* layout, const Shape& shape) {
  return layout ? layout->elements(matrix_shape(shape)) : shape.elements();
}

int64_t flat_elements(const Layout* layout, const Shape& shape) {
  return layout ? layout->flat(matrix_shape(shape)) : shape.elements();
}

std::unique_ptr<const Kernel> prepare_kernel(const Backend& backend, const Spec& spec) {
  validate(spec);
  // A program of one operation, every buffer the caller's: nothing is internal to it.
  Program program;
  std::vector<BufferId> ids;
  const auto names = slots(spec);
  for (size_t slot = 0; slot < names.size(); slot++) {
    const Operand o = operand(spec, slot);
    ids.push_back(!o.used ? no_buffer
                          : program.add_buffer({.name = names[slot].name,
                                                .role = o.access == Access::in ? Role::input : Role::output,
                                                .shape = Shape{o.rows, o.stride},
                                                .dtype = o.dtype,
                                                .batch = o.batch,
                                                .layout = o.layout}));
  }
  program.add(family(spec), spec, ids);
  const Claim claim = backend.claim(Run(program, 0, 1));
  return claim.count == 1 ? claim.make() : nullptr;
}

}  // namespace plexus

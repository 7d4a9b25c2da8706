#include "plexus/core/spec/scale.h"

#include "plexus/core/spec/line.h"

namespace plexus {

Operand ScaleSpec::operand(size_t slot) const {
  const bool per_column = slot == 1 || slot == 2;
  return {.dtype = dtype,
          .rows = per_column ? 1 : m,
          .columns = n,
          .stride = n,
          .batch = !per_column && batch == Batch::m,
          .used = slot != 1 || offset,
          .access = slots[slot].access};
}

void ScaleSpec::validate() const {
  spec::require_size(*this, "m", m);
  spec::require_size(*this, "n", n);
  spec::require_row_batch(*this);
  spec::require_floating(*this, dtype);
  spec::require_countable(*this);
}

std::string ScaleSpec::to_string() const {
  return spec::Line("scale")
      .word(plexus::to_string(dtype))
      .dimension("m", m, batch == Batch::m)
      .dimension("n", n)
      .flag("offset", offset)
      .string();
}

}  // namespace plexus

#include "plexus/core/spec/max_norm.h"

#include <cmath>

#include "plexus/core/spec/line.h"

namespace plexus {

Operand MaxNormSpec::operand(size_t slot) const {
  return {
      .dtype = dtype, .rows = m, .columns = n, .stride = n, .access = slots[slot].access, .layout = layout};
}

void MaxNormSpec::validate() const {
  spec::require_size(*this, "m", m);
  spec::require_size(*this, "n", n);
  spec::require_floating(*this, dtype);
  spec::require(*this, limit > 0 && std::isfinite(limit), "limit must be above 0");
  spec::require_countable(*this);
}

std::string MaxNormSpec::to_string() const {
  return spec::Line("update")
      .word("max_norm")
      .word(plexus::to_string(dtype))
      .dimension("m", m)
      .dimension("n", n)
      .value("limit", limit)
      .layout(layout)
      .string();
}

}  // namespace plexus

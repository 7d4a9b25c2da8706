#include "plexus/core/spec/dropout.h"

#include "plexus/core/spec/line.h"

namespace plexus {

Operand DropoutSpec::operand(size_t slot) const {
  const Access access = slots[slot].access;
  if (slot == 1 || slot == 2)
    return {.dtype = DType::i64, .rows = 1, .columns = 1, .stride = 1, .access = access};
  return {.dtype = dtype, .rows = m, .columns = n, .stride = n, .batch = batch == Batch::m, .access = access};
}

void DropoutSpec::validate() const {
  spec::require_size(*this, "m", m);
  spec::require_size(*this, "n", n);
  spec::require_row_batch(*this);
  spec::require_floating(*this, dtype);
  spec::require(*this, rate >= 0 && rate < 1, "rate must lie in [0, 1)");
  spec::require(*this, stream < 1u << 24, "stream must be below 2^24");
  spec::require_countable(*this);
}

std::string DropoutSpec::to_string() const {
  return spec::Line("dropout")
      .word(plexus::to_string(dtype))
      .dimension("m", m, batch == Batch::m)
      .dimension("n", n)
      .value("rate", rate)
      .dimension("stream", stream)
      .string();
}

}  // namespace plexus

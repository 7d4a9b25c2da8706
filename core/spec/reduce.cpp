#include "plexus/core/spec/reduce.h"

#include <cmath>
#include <limits>

#include "plexus/core/spec/line.h"

namespace plexus {

std::string to_string(Reduction kind) {
  switch (kind) {
    case Reduction::column_sum:
      return "column_sum";
    case Reduction::row_sum:
      return "row_sum";
    case Reduction::sum_squares:
      return "sum_squares";
    case Reduction::argmax:
      return "argmax";
  }
  return "unknown";
}

Operand ReduceSpec::operand(size_t slot) const {
  const bool rows_vary = batch == Batch::m;
  if (slot == 0)
    return {.dtype = dtype, .rows = m, .columns = n, .stride = n, .batch = rows_vary, .layout = layout};
  Operand y{.dtype = dtype,
            .rows = 1,
            .columns = 1,
            .stride = 1,
            .access = accumulate ? Access::inout : Access::out};
  switch (kind) {
    case Reduction::column_sum:
      y.columns = y.stride = n;
      break;
    case Reduction::sum_squares:
      y.dtype = DType::f64;
      break;
    case Reduction::argmax:
      y.dtype = DType::i32;
      [[fallthrough]];
    case Reduction::row_sum:
      y.rows = m;
      y.batch = rows_vary;
      break;
  }
  return y;
}

void ReduceSpec::validate() const {
  const auto require = [this](bool holds, const char* problem) { spec::require(*this, holds, problem); };
  require(int(kind) < reduction_count, "unknown reduction");
  spec::require_size(*this, "m", m);
  spec::require_size(*this, "n", n);
  spec::require_row_batch(*this);
  spec::require_floating(*this, dtype);
  if (kind == Reduction::argmax) {
    require(!accumulate, "argmax cannot accumulate");
    require(n > 0, "the largest of no columns does not exist");
    require(n <= std::numeric_limits<int32_t>::max(), "column indices above 2^31 - 1 do not fit i32");
  }
  if (layout) {
    require(kind == Reduction::sum_squares, "only sum_squares reads a layout");
    require(batch == Batch::none, "what has a layout is a parameter and has no batch");
  }
  spec::require_countable(*this);
}

std::string ReduceSpec::to_string() const {
  return spec::Line("reduce")
      .word(plexus::to_string(kind))
      .word(plexus::to_string(dtype))
      .dimension("m", m, batch == Batch::m)
      .dimension("n", n)
      .flag("accumulate", accumulate)
      .layout(layout)
      .string();
}

Operand ClipSpec::operand(size_t slot) const {
  return {.dtype = slot == 0 ? DType::f64 : dtype,
          .rows = 1,
          .columns = 1,
          .stride = 1,
          .access = slots[slot].access};
}

void ClipSpec::validate() const {
  spec::require_floating(*this, dtype);
  spec::require(*this, limit > 0 && std::isfinite(limit), "limit must be above 0");
}

std::string ClipSpec::to_string() const {
  return spec::Line("reduce").word("clip").word(plexus::to_string(dtype)).value("limit", limit).string();
}

}  // namespace plexus

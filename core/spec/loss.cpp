#include "plexus/core/spec/loss.h"

#include <cmath>

#include "plexus/core/spec/line.h"

namespace plexus {

std::string to_string(LossKind kind) {
  switch (kind) {
    case LossKind::mse:
      return "mse";
    case LossKind::mae:
      return "mae";
    case LossKind::huber:
      return "huber";
    case LossKind::binary_cross_entropy:
      return "binary_cross_entropy";
    case LossKind::softmax_cross_entropy:
      return "softmax_cross_entropy";
    case LossKind::softmax_cross_entropy_one_hot:
      return "softmax_cross_entropy_one_hot";
  }
  return "unknown";
}

Operand LossSpec::operand(size_t slot) const {
  Operand o{.dtype = dtype, .rows = 1, .columns = 1, .access = slots[slot].access};
  const auto over_rows = [&](int64_t columns) {
    o.rows = m;
    o.columns = columns;
    o.batch = batch == Batch::m;
  };
  switch (slot) {
    case 0:
      over_rows(n);
      break;
    case 1:
      if (kind == LossKind::softmax_cross_entropy) {
        over_rows(1);
        o.dtype = DType::i32;
      } else {
        over_rows(n);
      }
      break;
    case 2:
      o.columns = n;
      o.used = class_weights;
      break;
    case 3:
      over_rows(1);
      o.used = sample_weights;
      break;
    case 4:
      o.optional = true;
      break;
    case 5:
      over_rows(n);
      o.used = gradient;
      break;
  }
  o.stride = o.columns;
  return o;
}

void LossSpec::validate() const {
  const auto require = [this](bool holds, const char* problem) { spec::require(*this, holds, problem); };
  require(int(kind) < loss_count, "unknown loss");
  spec::require_size(*this, "m", m);
  spec::require_size(*this, "n", n);
  spec::require_row_batch(*this);
  spec::require_floating(*this, dtype);
  if (kind == LossKind::huber)
    require(delta > 0 && std::isfinite(delta), "delta must be above 0");
  else
    require(delta == 1, "delta has no meaning here, must be 1");
  require(!class_weights || kind == LossKind::softmax_cross_entropy ||
              kind == LossKind::softmax_cross_entropy_one_hot,
          "class weights need a softmax cross entropy");
  spec::require_countable(*this);
}

std::string LossSpec::to_string() const {
  spec::Line line("loss");
  line.word(plexus::to_string(kind)).word(plexus::to_string(dtype));
  line.dimension("m", m, batch == Batch::m).dimension("n", n);
  if (kind == LossKind::huber) line.value("delta", delta);
  line.flag("gradient", gradient).flag("class_weights", class_weights).flag("sample_weights", sample_weights);
  return line.string();
}

}  // namespace plexus

#include "plexus/layers/dropout.h"

#include "plexus/core/error.h"
#include "plexus/core/spec/line.h"

namespace plexus {
namespace {

/// The same operation masks x on the way up and dy on the way down: it computes the mask again.
void add_mask(Lowering& lowering, const std::string& what, double rate, BufferId from, BufferId to) {
  lowering.add(what,
               DropoutSpec{.m = lowering.batch,
                           .n = lowering.row(from).elements(),
                           .rate = float(rate),
                           .stream = uint32_t(lowering.layer()),
                           .dtype = lowering.dtype},
               {from, lowering.scalar("seed", DType::i64), lowering.scalar("pass", DType::i64), to});
}

}  // namespace

Dropout::Dropout(double rate) : rate_(rate) {
  if (!(rate >= 0 && float(rate) < 1)) throw ArgumentError(name() + ": the rate must lie in [0, 1)");
}

std::string Dropout::name() const { return "Dropout(" + spec::number(rate_) + ")"; }

std::unique_ptr<Layer> Dropout::clone() const { return std::make_unique<Dropout>(*this); }

BufferId Dropout::forward(Lowering& lowering, BufferId x) const {
  if (!lowering.training || rate_ == 0) return x;
  const BufferId y = lowering.result(lowering.row(x));
  add_mask(lowering, "", rate_, x, y);
  return y;
}

BufferId Dropout::backward(Lowering& lowering, BufferId dy, bool need_dx) const {
  if (!lowering.training || rate_ == 0 || !need_dx) return need_dx ? dy : no_buffer;
  const BufferId dx = lowering.input_gradient(lowering.row(dy));
  add_mask(lowering, "backward", rate_, dy, dx);
  return dx;
}

}  // namespace plexus

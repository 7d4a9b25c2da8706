#include "plexus/layers/flatten.h"

namespace plexus {

std::unique_ptr<Layer> Flatten::clone() const { return std::make_unique<Flatten>(*this); }

BufferId Flatten::forward(Lowering&, BufferId x) const { return x; }

BufferId Flatten::backward(Lowering&, BufferId dy, bool need_dx) const { return need_dx ? dy : no_buffer; }

}  // namespace plexus

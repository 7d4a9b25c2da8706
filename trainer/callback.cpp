#include "plexus/trainer/callback.h"

#include "plexus/core/error.h"

namespace plexus {

Callback::~Callback() = default;

void Callback::restore(const std::string& state) {
  if (!state.empty()) throw FormatError("callback '" + name() + "'", "", "has no state, but is given one");
}

}  // namespace plexus

#include "plexus/trainer/callback.h"

namespace plexus {

Callback::~Callback() = default;

}  // namespace plexus

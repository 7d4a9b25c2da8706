// Preflight: what can be known to be wrong before step 0. Private.
#pragma once
#include <string>
#include <vector>

#include "plexus/layers/sequential.h"
#include "plexus/trainer/dataset.h"

namespace plexus {

/// Rows there are, the network takes them, and head, loss and targets fit together. Throws DataError, ShapeError.
void check_fit(const Sequential& network, const Loss& loss, const Dataset& data);

/// No NaN (but for what the network fills in), no infinity, and targets that the loss can take. Throws DataError.
void check_values(const Sequential& network, const Loss& loss, const Dataset& data);

/// Something can be learnt: two rows, two classes. Throws DataError.
void check_learnable(const Dataset& data);

/// What is suspicious but not wrong, a line each: constant columns, features of very different size than the first layer
/// is initialised for.
std::vector<std::string> warnings(const Sequential& network, const Dataset& data);

}  // namespace plexus

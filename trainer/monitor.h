// Monitor: the figure of an epoch by which callbacks tell whether training gets on.
#pragma once
#include <string>

#include "plexus/export.h"
#include "plexus/trainer/metrics.h"

namespace plexus {

enum class Monitor { validation_loss, validation_accuracy, train_loss };

/// "validation_loss"
PLEXUS_EXPORT std::string to_string(Monitor monitor);
/// Throws ArgumentError where the epoch does not have it (NaN): the message begins with `who`.
PLEXUS_EXPORT double value(Monitor monitor, const Epoch& epoch, const std::string& who);
/// Larger is better.
PLEXUS_EXPORT bool rises(Monitor monitor);

}  // namespace plexus

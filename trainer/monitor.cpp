#include "plexus/trainer/monitor.h"

#include <cmath>

#include "plexus/core/error.h"

namespace plexus {

std::string to_string(Monitor monitor) {
  switch (monitor) {
    case Monitor::validation_loss:
      return "validation_loss";
    case Monitor::validation_accuracy:
      return "validation_accuracy";
    case Monitor::train_loss:
      break;
  }
  return "train_loss";
}

double value(Monitor monitor, const Epoch& epoch, const std::string& who) {
  const double value = monitor == Monitor::validation_loss       ? epoch.validation_loss
                       : monitor == Monitor::validation_accuracy ? epoch.validation_accuracy
                                                                 : epoch.train_loss;
  if (std::isnan(value))
    throw ArgumentError(who + ": epoch " + std::to_string(epoch.epoch) + " has no " + to_string(monitor) +
                        (monitor == Monitor::validation_accuracy
                             ? ": give fit validation data with classes, or monitor a loss"
                             : ": give fit validation data, or monitor train_loss"));
  return value;
}

bool rises(Monitor monitor) { return monitor == Monitor::validation_accuracy; }

}  // namespace plexus

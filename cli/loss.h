// Loss: what --loss and its companions say.
#pragma once
#include <string>
#include <vector>

#include "plexus/layers/loss.h"
#include "plexus/trainer/dataset.h"

namespace plexus::cli {

extern const std::vector<std::string> loss_names;

/// By task where the name is empty. Task::automatic: not known yet, everything known is accepted. `reason`: of the task.
Loss make_loss(const std::string& name, Task task, const std::string& reason);

/// "balanced": by how many rows to train on each class has; else a list in the order of the classes. Empty: none.
std::vector<float> make_class_weights(const std::string& text, const Dataset& train);

}  // namespace plexus::cli

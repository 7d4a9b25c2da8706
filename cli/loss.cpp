#include "plexus/cli/loss.h"

#include <cstdlib>
#include <sstream>

#include "plexus/core/error.h"
#include "plexus/trainer/class_weights.h"

namespace plexus::cli {

const std::vector<std::string> loss_names = {"mse", "mae", "huber", "cross-entropy"};

Loss make_loss(const std::string& name, Task task, const std::string& reason) {
  if (name.empty()) return task == Task::regress ? Loss(Mse{}) : Loss(SoftmaxCrossEntropy{});
  const bool entropy = name == "cross-entropy";
  if (entropy && task == Task::regress)
    throw ArgumentError("--loss cross-entropy needs classes, but this is " + reason +
                        "; use mse, mae or huber, or --task classify");
  if (!entropy && task == Task::classify)
    throw ArgumentError("--loss " + name + " needs real targets, but this is " + reason +
                        "; use cross-entropy, or --task regress");
  if (name == "mse") return Mse{};
  if (name == "mae") return Mae{};
  if (name == "huber") return Huber{};
  return SoftmaxCrossEntropy{};
}

std::vector<float> make_class_weights(const std::string& text, const Dataset& train) {
  if (text.empty()) return {};
  if (text == "balanced") return balanced_class_weights(train);
  std::vector<float> weights;
  std::istringstream list(text);
  for (std::string item; std::getline(list, item, ',');) {
    char* end = nullptr;
    weights.push_back(std::strtof(item.c_str(), &end));
    if (item.empty() || *end != '\0')
      throw ArgumentError("--class-weights: expected balanced or numbers separated by commas, found '" +
                          text + "'");
  }
  return weights;
}

}  // namespace plexus::cli

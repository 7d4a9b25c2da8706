#include "plexus/bindings/names.h"

#include <functional>
#include <map>
#include <variant>

#include "plexus/core/error.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/flatten.h"
#include "plexus/layers/impute.h"
#include "plexus/layers/minmax.h"
#include "plexus/layers/standardize.h"

namespace plexus::bindings {
namespace {

template <class Base, class Value>
Base make() {
  if constexpr (std::is_same_v<Base, std::unique_ptr<Layer>>)
    return std::make_unique<Value>();
  else
    return Value{};
}

template <class Made>
using Makers = std::map<std::string, std::function<Made()>>;

const Makers<std::unique_ptr<Layer>>& layers() {
  using Made = std::unique_ptr<Layer>;
  static const Makers<Made> table = {
      {"impute", make<Made, Impute>},
      {"standardize", make<Made, Standardize>},
      {"minmax", make<Made, MinMax>},
      {"flatten", make<Made, Flatten>},
      {"relu", make<Made, Relu>},
      {"leaky_relu", make<Made, LeakyRelu>},
      {"elu", make<Made, Elu>},
      {"selu", make<Made, Selu>},
      {"gelu", make<Made, Gelu>},
      {"gelu_tanh", [] { return std::make_unique<Gelu>(GeluOptions{.tanh = true}); }},
      {"silu", make<Made, Silu>},
      {"sigmoid", make<Made, Sigmoid>},
      {"tanh", make<Made, Tanh>},
      {"softplus", make<Made, Softplus>},
      {"softmax", make<Made, Softmax>},
      {"log_softmax", make<Made, LogSoftmax>},
  };
  return table;
}

const Makers<Loss>& losses() {
  static const Makers<Loss> table = {
      {"softmax_cross_entropy", make<Loss, SoftmaxCrossEntropy>},
      {"binary_cross_entropy", make<Loss, BinaryCrossEntropy>},
      {"mse", make<Loss, Mse>},
      {"mae", make<Loss, Mae>},
      {"huber", make<Loss, Huber>},
  };
  return table;
}

template <class Made>
Made find(const Makers<Made>& table, const std::string& kind, const std::string& name) {
  const auto found = table.find(name);
  if (found != table.end()) return found->second();
  std::string names;
  for (const auto& [known, maker] : table) names += (names.empty() ? "" : ", ") + known;
  throw ArgumentError("no such " + kind + ": " + name + ": choose one of " + names);
}

}  // namespace

std::unique_ptr<Layer> make_layer(const std::string& name) { return find(layers(), "layer", name); }
Loss make_loss(const std::string& name) { return find(losses(), "loss", name); }

void set(Optimizer& optimizer, const OptimizerSettings& settings) {
  std::visit(
      [&](auto& o) {
        if (settings.learning_rate != 0) o.learning_rate = static_cast<float>(settings.learning_rate);
        if (settings.weight_decay != 0) o.weight_decay = settings.weight_decay;
        if (settings.momentum == 0) return;
        if constexpr (requires { o.momentum; })
          o.momentum = settings.momentum;
        else
          throw ArgumentError("optimizer: no momentum but in sgd and rmsprop");
      },
      optimizer);
}

}  // namespace plexus::bindings

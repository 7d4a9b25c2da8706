// Optimizers. Forms are PyTorch's (core/spec/update.h has the formulas); defaults are named below.
#pragma once
#include <string>
#include <variant>

#include "plexus/core/spec/update.h"
#include "plexus/export.h"

namespace plexus {

struct Sgd {
  float learning_rate = 0.01f;   ///< Keras' default; PyTorch 1e-3 since 2.x
  double momentum = 0;
  bool nesterov = false;
  double weight_decay = 0;
};
struct Adam {
  float learning_rate = 0.001f;  ///< Kingma, Ba 2015; PyTorch and Keras
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;         ///< PyTorch and the paper; Keras 1e-7
  double weight_decay = 0;
};
struct AdamW {
  float learning_rate = 0.001f;
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.01;    ///< PyTorch; Keras 0.004
};
struct RmsProp {
  float learning_rate = 0.01f;   ///< PyTorch; Keras 0.001
  double smoothing = 0.99;       ///< PyTorch's alpha; Keras' rho 0.9
  double momentum = 0;
  double epsilon = 1e-8;
  double weight_decay = 0;
};
struct Adagrad {
  float learning_rate = 0.01f;   ///< PyTorch; Keras 0.001
  double epsilon = 1e-10;        ///< PyTorch
  double weight_decay = 0;
};
/// Adam with the largest gradient so far instead of the root of the mean square (Kingma, Ba 2015).
struct Adamax {
  float learning_rate = 0.002f;  ///< the paper and PyTorch; Keras 0.001
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;         ///< PyTorch; Keras 1e-7
  double weight_decay = 0;
};
/// Adam with Nesterov's momentum (Dozat 2016).
struct NAdam {
  float learning_rate = 0.002f;  ///< PyTorch; Keras 0.001
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;         ///< PyTorch; Keras 1e-7
  double momentum_decay = 0.004; ///< PyTorch; Keras has it built in
  double weight_decay = 0;
};
/// Adam whose first steps wait until the mean square can be trusted (Liu et al. 2020).
struct RAdam {
  float learning_rate = 0.001f;  ///< PyTorch
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;         ///< PyTorch
  double weight_decay = 0;       ///< into the gradient: PyTorch's default form
};
/// Steps in proportion to the steps before (Zeiler 2012).
struct Adadelta {
  float learning_rate = 1;       ///< the paper and PyTorch; Keras 0.001
  double smoothing = 0.9;        ///< PyTorch's rho; Keras 0.95
  double epsilon = 1e-6;         ///< PyTorch; Keras 1e-7
  double weight_decay = 0;
};

using Optimizer = std::variant<Sgd, Adam, AdamW, RmsProp, Adagrad, Adamax, NAdam, RAdam, Adadelta>;

PLEXUS_EXPORT std::string to_string(const Optimizer& optimizer);
PLEXUS_EXPORT float learning_rate(const Optimizer& optimizer);
/// Kind and hyperparameters; sizes are left open. Throws ArgumentError for values out of range.
PLEXUS_EXPORT UpdateSpec make_spec(const Optimizer& optimizer);
/// "sgd", "adam", "adamw", "rmsprop", "adagrad", "adamax", "nadam", "radam", "adadelta" with default settings. Throws ArgumentError
/// (with the closest match).
PLEXUS_EXPORT Optimizer make_optimizer(const std::string& name);

}  // namespace plexus

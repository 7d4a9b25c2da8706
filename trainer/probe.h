// Probe: a look into a network that is training, through a copy of it. Private.
#pragma once
#include <string>
#include <vector>

#include "plexus/core/plan.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/sequential.h"
#include "plexus/trainer/batches.h"
#include "plexus/trainer/dataset.h"

namespace plexus {

/// The copy has no dropout; the loss is without weights and smoothing. It has a store of its own: what trains does not notice.
class Probe {
 public:
  /// Rows of the data, encoded, that it looks at. Throws Error for a network that has nothing to train.
  Probe(const Context& context, const Sequential& network, const Loss& loss, const Dataset& data);

  /// Weights that are trained, in the order of the layers.
  struct Weights {
    std::string place;    ///< "layer 0 Dense(128)"
    double size = 0;      ///< root mean square, as all here
    double gradient = 0;
    double first = 0;     ///< size at the first look
    double moved = 0;     ///< difference from the first look
  };
  /// What an activation inside the network makes of the rows.
  struct Units {
    std::string place;
    Activation kind = Activation::relu;
    int64_t count = 0;
    double dead = 0;       ///< share of units that are 0 (ReLU) in every row
    double saturated = 0;  ///< share of values within 1 % of the limits (sigmoid, tanh)
  };

  /// At the network as it is now.
  void look(const Sequential& network);
  int64_t rows() const { return static_cast<int64_t>(rows_.size()); }
  double loss() const { return loss_; }
  /// The loss of the best constant answer; 0 where the targets are constant.
  double chance() const { return chance_; }
  /// Share of the loss of chance that is gone: 1 is perfect, below 0 worse than chance.
  double learnt() const { return chance_ > 0 ? 1 - loss_ / chance_ : 1; }
  const std::vector<Weights>& weights() const { return weights_; }
  const std::vector<Units>& units() const { return units_; }
  /// Shares of the rows that are of the most common class, and that get the most common answer; 0 where there are no classes.
  double largest_class() const { return largest_class_; }
  double largest_answer() const { return largest_answer_; }

 private:
  struct Name {
    std::string of_network, of_copy;
  };
  void copy(const Sequential& network);
  template <class T>
  void read();

  Sequential copy_;
  std::vector<Name> names_;
  std::vector<int64_t> rows_;
  std::unique_ptr<Plan> plan_;
  std::vector<std::string> weight_names_, unit_names_;
  std::string answer_name_;
  std::vector<Tensor> first_;  // weights at the first look
  std::vector<Weights> weights_;
  std::vector<Units> units_;
  double loss_ = 0, chance_ = 0, largest_class_ = 0, largest_answer_ = 0;
};

}  // namespace plexus

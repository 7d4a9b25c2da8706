// Layers in an order that makes no sense, and first weights that a network cannot learn from.
#include <algorithm>
#include <cmath>
#include <limits>

#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/dropout.h"
#include "plexus/trainer/suspicion.h"

namespace plexus {
namespace {

// A tenth of the units is too few to learn from; papers use up to 0.8 (on inputs), mostly 0.5 and less.
constexpr double high_dropout = 0.9;
// A weight's size times the root of its layer's inputs: 0.6 (PyTorch), 0.7 to 1 (Glorot), 1.4 (He). What
// comes out is so many times as large as what goes in: five times a layer saturates or explodes, a fiftieth
// leaves nothing after two. Weights that somebody set, or trained, may grow further.
constexpr double large_gain = 5, large_set_gain = 10, small_gain = 0.02;
// Rows whose targets are compared with what an output can be.
constexpr int64_t sampled_rows = 20000;

const ActivationLayer* activation(const Layer& layer) { return dynamic_cast<const ActivationLayer*>(&layer); }

std::string place(const Sequential& network, size_t i) {
  return "layer " + network.prefix(i) + " " + network[i].name();
}

struct Limits {
  double low = -std::numeric_limits<double>::infinity(), high = -low;
};

Limits limits(Activation kind) {
  switch (kind) {
    case Activation::relu:
    case Activation::softplus:
      return {.low = 0};
    case Activation::sigmoid:
    case Activation::softmax:
      return {0, 1};
    case Activation::tanh:
      return {-1, 1};
    case Activation::log_softmax:
      return {.high = 0};
    default:
      return {};
  }
}

/// A last layer that holds back what the loss wants.
void suspect_head(const Sequential& network, const Loss& loss, const Dataset& data, Findings& findings) {
  const size_t last = network.size() - 1;
  if (dynamic_cast<const Dropout*>(&network[last])) {
    findings.push_back({"dropout-on-output",
                        place(network, last) + " is the last: it zeroes outputs, and the loss with them",
                        "put it before the last Dense"});
    return;
  }
  const ActivationLayer* head = activation(network[last]);
  if (!head) return;
  const bool logits =
      std::holds_alternative<SoftmaxCrossEntropy>(loss) || std::holds_alternative<BinaryCrossEntropy>(loss);
  if (logits) {
    findings.push_back({"activation-on-output",
                        place(network, last) + " is the last, but " + to_string(loss) +
                            " takes logits, which may be any number",
                        "remove that layer"});
    return;
  }
  const Limits range = limits(head->kind());
  const Sample sample(data, sampled_rows);
  std::vector<double> row(static_cast<size_t>(data.target_shape().elements()));
  int64_t outside = 0;
  double example = 0;
  for (const int64_t i : sample.rows) {
    data.read_target(i, row.data());
    for (const double target : row)
      if (target < range.low || target > range.high) {
        ++outside;
        example = target;
        break;
      }
  }
  if (outside > 0)
    findings.push_back({"activation-on-output",
                        place(network, last) + " is the last: its outputs cannot reach the targets of " +
                            std::to_string(outside) + " of " +
                            count_of(static_cast<int64_t>(sample.rows.size()), "row") + " looked at (" +
                            figure(example) + ")",
                        "remove that layer"});
  else if (head->kind() == Activation::relu)
    findings.push_back(
        {"activation-on-output",
         place(network, last) + " is the last: an output that falls below 0 once has no gradient any more",
         "remove that layer, or use Softplus where outputs must not be negative"});
}

void suspect_order(const Sequential& network, Findings& findings) {
  const Layer* before = nullptr;  // but for those that pass values on
  size_t before_index = 0;
  for (size_t i = 0; i < network.size(); ++i) {
    const Layer& layer = network[i];
    if (const auto* dropout = dynamic_cast<const Dropout*>(&layer)) {
      if (dropout->rate() >= high_dropout)
        findings.push_back(
            {"dropout-too-high",
             place(network, i) + " leaves " + figure(100 * (1 - dropout->rate())) + " % of the values",
             "0.1 to 0.5 is usual"});
      continue;
    }
    const ActivationLayer* now = activation(layer);
    const auto* dense = dynamic_cast<const Dense*>(&layer);
    if (!now && !dense) {
      if (layer.name() != "Flatten()") before = nullptr;
      continue;
    }
    if (before && dense && dynamic_cast<const Dense*>(before)) {
      findings.push_back({"no-activation-between",
                          place(network, before_index) + " and " + place(network, i) +
                              " have no activation between them: together they are one linear layer",
                          "put Relu() between them"});
    } else if (before && now && activation(*before)) {
      findings.push_back({"activation-twice",
                          place(network, i) + " comes right behind " + place(network, before_index),
                          "remove one of them"});
    }
    if (now && i + 1 < network.size() &&
        (now->kind() == Activation::softmax || now->kind() == Activation::log_softmax))
      findings.push_back({"softmax-inside",
                          place(network, i) +
                              " lies between other layers: its outputs share a sum of 1, and little "
                              "gradient passes",
                          "use Relu() between layers"});
    before = &layer;
    before_index = i;
  }
}

struct Weights {
  bool equal = true;  // all are one number
  double gain = 0;    // root mean square times root of the inputs
};

template <class T>
Weights examine(std::span<const T> values, int64_t units) {
  Weights result;
  double squares = 0;
  for (const T value : values) {
    squares += double{value} * double{value};
    result.equal &= value == values[0];
  }
  // Mean over [inputs, units], times inputs.
  result.gain = std::sqrt(squares / static_cast<double>(units));
  return result;
}

}  // namespace

void suspect_layers(const Sequential& network, const Loss& loss, const Dataset& data, Findings& findings) {
  suspect_order(network, findings);
  suspect_head(network, loss, data, findings);
}

void suspect_weights(const Sequential& built, bool fresh, Findings& findings) {
  std::vector<size_t> dense;
  for (size_t i = 0; i < built.size(); ++i)
    if (dynamic_cast<const Dense*>(&built[i])) dense.push_back(i);
  for (const size_t i : dense) {
    const Tensor weight = built.store().get(built.prefix(i) + ".weight");
    const int64_t units = static_cast<const Dense&>(built[i]).units();
    const bool head = i == dense.back();
    const Weights found = weight.dtype() == DType::f64 ? examine(weight.values<double>(), units)
                                                       : examine(weight.values<float>(), units);
    const std::string where = place(built, i) + ": ";
    if (found.equal && !head && units > 1) {
      const float value = weight.converted(DType::f32).values<float>()[0];
      findings.push_back({"equal-first-weights",
                          where + "all weights are " + figure(value) + ": its units are and stay the same",
                          "initialise with random numbers: GlorotUniform, HeNormal"});
    } else if (found.gain >= (fresh ? large_gain : large_set_gain) && (fresh || !head)) {
      findings.push_back(
          {"first-weights-too-large",
           where + "what comes out is " + figure(found.gain) + " times as large as what goes in",
           "initialise by the layer's inputs: GlorotUniform, HeNormal"});
    } else if (!head && found.gain < small_gain) {
      findings.push_back(
          {"first-weights-too-small",
           where + "what comes out is " + figure(found.gain) + " times as large as what goes in",
           "initialise by the layer's inputs: GlorotUniform, HeNormal"});
    }
  }
}

}  // namespace plexus

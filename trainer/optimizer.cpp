#include "plexus/trainer/optimizer.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <sstream>
#include <utility>
#include <vector>

#include "plexus/core/error.h"

namespace plexus {
namespace {

/// Every optimizer at its defaults.
const Optimizer all[] = {Sgd{},    Adam{},  AdamW{}, RmsProp{}, Adagrad{},
                         Adamax{}, NAdam{}, RAdam{}, Adadelta{}};

UpdateSpec kind_and_settings(const Sgd& o) {
  return {.kind = UpdateKind::sgd,
          .momentum = o.momentum,
          .nesterov = o.nesterov,
          .weight_decay = o.weight_decay};
}
UpdateSpec kind_and_settings(const Adam& o) {
  return {.kind = UpdateKind::adam,
          .weight_decay = o.weight_decay,
          .beta1 = o.beta1,
          .beta2 = o.beta2,
          .epsilon = o.epsilon};
}
UpdateSpec kind_and_settings(const AdamW& o) {
  return {.kind = UpdateKind::adamw,
          .weight_decay = o.weight_decay,
          .beta1 = o.beta1,
          .beta2 = o.beta2,
          .epsilon = o.epsilon};
}
UpdateSpec kind_and_settings(const RmsProp& o) {
  return {.kind = UpdateKind::rmsprop,
          .momentum = o.momentum,
          .weight_decay = o.weight_decay,
          .beta2 = o.smoothing,
          .epsilon = o.epsilon};
}
UpdateSpec kind_and_settings(const Adagrad& o) {
  return {.kind = UpdateKind::adagrad, .weight_decay = o.weight_decay, .epsilon = o.epsilon};
}

UpdateSpec kind_and_settings(const Adamax& o) {
  return {.kind = UpdateKind::adamax,
          .weight_decay = o.weight_decay,
          .beta1 = o.beta1,
          .beta2 = o.beta2,
          .epsilon = o.epsilon};
}
UpdateSpec kind_and_settings(const NAdam& o) {
  return {.kind = UpdateKind::nadam,
          .weight_decay = o.weight_decay,
          .beta1 = o.beta1,
          .beta2 = o.beta2,
          .epsilon = o.epsilon,
          .momentum_decay = o.momentum_decay};
}
UpdateSpec kind_and_settings(const RAdam& o) {
  return {.kind = UpdateKind::radam,
          .weight_decay = o.weight_decay,
          .beta1 = o.beta1,
          .beta2 = o.beta2,
          .epsilon = o.epsilon};
}
UpdateSpec kind_and_settings(const Adadelta& o) {
  return {.kind = UpdateKind::adadelta,
          .weight_decay = o.weight_decay,
          .beta2 = o.smoothing,
          .epsilon = o.epsilon};
}

UpdateSpec settings_of(const Optimizer& optimizer) {
  return std::visit([](const auto& o) { return kind_and_settings(o); }, optimizer);
}

std::string name_of(const Optimizer& optimizer) { return to_string(settings_of(optimizer).kind); }

/// Insertions, deletions and substitutions from one word to the other (Levenshtein 1966).
size_t distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0]++;
    for (size_t j = 0; j < b.size(); ++j)
      diagonal = std::exchange(row[j + 1], std::min({row[j + 1] + 1, row[j] + 1, diagonal + (a[i] != b[j])}));
  }
  return row.back();
}

}  // namespace

std::string to_string(const Optimizer& optimizer) {
  const UpdateSpec spec = settings_of(optimizer);
  std::ostringstream text;
  text << to_string(spec.kind) << ", learning rate " << learning_rate(optimizer);
  if (spec.momentum > 0) text << (spec.nesterov ? ", Nesterov momentum " : ", momentum ") << spec.momentum;
  if (spec.weight_decay > 0) text << ", weight decay " << spec.weight_decay;
  return text.str();
}

float learning_rate(const Optimizer& optimizer) {
  return std::visit([](const auto& o) { return o.learning_rate; }, optimizer);
}

UpdateSpec make_spec(const Optimizer& optimizer) {
  const UpdateSpec spec = settings_of(optimizer);
  const auto require = [&](bool good, const char* setting, double value, const char* remedy) {
    if (good) return;
    std::ostringstream text;
    text << name_of(optimizer) << ": " << setting << ' ' << value << ": " << remedy;
    throw ArgumentError(text.str());
  };
  const double rate = learning_rate(optimizer);
  require(rate >= 0 && std::isfinite(rate), "learning rate", rate, "choose 0 or more");
  require(spec.momentum >= 0 && spec.momentum < 1, "momentum", spec.momentum, "choose one in [0, 1)");
  require(!spec.nesterov || spec.momentum > 0, "nesterov with momentum", spec.momentum,
          "choose a momentum above 0");
  require(spec.weight_decay >= 0 && std::isfinite(spec.weight_decay), "weight decay", spec.weight_decay,
          "choose 0 or more");
  require(spec.beta1 >= 0 && spec.beta1 < 1, "beta1", spec.beta1, "choose one in [0, 1)");
  require(spec.beta2 >= 0 && spec.beta2 < 1, spec.has_moments() ? "beta2" : "smoothing", spec.beta2,
          "choose one in [0, 1)");
  require(spec.kind == UpdateKind::sgd || (spec.epsilon > 0 && std::isfinite(spec.epsilon)), "epsilon",
          spec.epsilon, "choose one above 0");
  require(spec.momentum_decay >= 0 && std::isfinite(spec.momentum_decay), "momentum decay",
          spec.momentum_decay, "choose 0 or more");
  return spec;
}

Optimizer make_optimizer(const std::string& name) {
  const Optimizer* closest = nullptr;
  std::string names;
  for (const Optimizer& optimizer : all) {
    const std::string known = name_of(optimizer);
    if (known == name) return optimizer;
    if (!closest || distance(name, known) < distance(name, name_of(*closest))) closest = &optimizer;
    names += (names.empty() ? "" : ", ") + known;
  }
  throw ArgumentError("optimizer '" + name + "' is unknown: did you mean '" + name_of(*closest) +
                      "'? There are " + names);
}

}  // namespace plexus

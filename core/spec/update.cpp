#include "plexus/core/spec/update.h"

#include <cmath>

#include "plexus/core/spec/line.h"

namespace plexus {
namespace {

bool has_momentum(UpdateKind kind) { return kind == UpdateKind::sgd || kind == UpdateKind::rmsprop; }
bool has_epsilon(UpdateKind kind) { return kind != UpdateKind::sgd; }
bool has_beta2(const UpdateSpec& spec) {
  return spec.has_moments() || spec.kind == UpdateKind::rmsprop || spec.kind == UpdateKind::adadelta;
}

/// mu of NAdam. PyTorch writes 0.96 as a constant too (Dozat 2016).
double nadam_momentum(const UpdateSpec& spec, int64_t t) {
  return spec.beta1 * (1 - 0.5 * std::pow(0.96, double(t) * spec.momentum_decay));
}

/// The product of all mu up to that of step t. It falls below 2^-64 within 100 steps at the default settings,
/// and at any in 45 / (1 - beta1): what is left then is nothing beside the 1 that it is taken from.
double nadam_product(const UpdateSpec& spec, int64_t t) {
  double product = 1;
  for (int64_t i = 1; i <= t && product > 0x1p-64; i++) product *= nadam_momentum(spec, i);
  return product;
}

}  // namespace

StepFactors step_factors(const UpdateSpec& spec, int64_t t) {
  const auto steps = double(t);
  const double correction1 = 1 - std::pow(spec.beta1, steps), correction2 = 1 - std::pow(spec.beta2, steps);
  StepFactors factors;
  factors.moment = 1 / correction1;
  switch (spec.kind) {
    case UpdateKind::nadam: {
      const double product = nadam_product(spec, t), next = nadam_momentum(spec, t + 1);
      factors.moment = next / (1 - product * next);
      factors.gradient = (1 - nadam_momentum(spec, t)) / (1 - product);
      factors.root = 1 / std::sqrt(correction2);
      break;
    }
    case UpdateKind::radam: {
      const double longest = 2 / (1 - spec.beta2) - 1;
      const double length = longest - 2 * steps * std::pow(spec.beta2, steps) / correction2;
      factors.adaptive = length > 5;
      if (factors.adaptive)
        factors.moment *= std::sqrt((length - 4) * (length - 2) * longest /
                                    ((longest - 4) * (longest - 2) * length) * correction2);
      break;
    }
    case UpdateKind::adamax:
      break;
    default:
      factors.root = 1 / std::sqrt(correction2);
  }
  return factors;
}

std::string to_string(UpdateKind kind) {
  switch (kind) {
    case UpdateKind::sgd:
      return "sgd";
    case UpdateKind::adam:
      return "adam";
    case UpdateKind::adamw:
      return "adamw";
    case UpdateKind::rmsprop:
      return "rmsprop";
    case UpdateKind::adagrad:
      return "adagrad";
    case UpdateKind::adamax:
      return "adamax";
    case UpdateKind::nadam:
      return "nadam";
    case UpdateKind::radam:
      return "radam";
    case UpdateKind::adadelta:
      return "adadelta";
  }
  return "unknown";
}

Operand UpdateSpec::operand(size_t slot) const {
  if (slot >= 4)
    return {.dtype = slot == 5 ? DType::i64 : dtype,
            .rows = 1,
            .columns = 1,
            .stride = 1,
            .used = slot != 5 || has_moments(),
            .optional = slot == 6,
            .access = slots[slot].access};
  return {.dtype = dtype,
          .rows = m,
          .columns = n,
          .stride = n,
          .used = slot == 2   ? has_first()
                  : slot == 3 ? has_second()
                              : true,
          .access = slots[slot].access,
          .layout = layout};
}

void UpdateSpec::validate() const {
  const auto require = [this](bool holds, const char* problem) { spec::require(*this, holds, problem); };
  const auto require_fraction = [&](bool used, double value, const char* name) {
    if (!used)
      require(value == 0, (std::string(name) + " has no meaning here, must be 0").c_str());
    else
      require(value >= 0 && value < 1, (std::string(name) + " must lie in [0, 1)").c_str());
  };
  require(int(kind) < update_count, "unknown optimizer");
  spec::require_size(*this, "m", m);
  spec::require_size(*this, "n", n);
  spec::require_floating(*this, dtype);
  require_fraction(has_momentum(kind), momentum, "momentum");
  require_fraction(has_moments(), beta1, "beta1");
  require_fraction(has_beta2(*this), beta2, "beta2");
  require(!nesterov || (kind == UpdateKind::sgd && momentum > 0), "nesterov needs sgd with momentum");
  require(weight_decay >= 0 && std::isfinite(weight_decay), "weight_decay must not be negative");
  if (has_epsilon(kind))
    require(epsilon > 0 && std::isfinite(epsilon), "epsilon must be above 0");
  else
    require(epsilon == 0, "epsilon has no meaning here, must be 0");
  require(l1 >= 0 && std::isfinite(l1), "l1 must not be negative");
  require(l2 >= 0 && std::isfinite(l2), "l2 must not be negative");
  require(clip_value >= 0 && std::isfinite(clip_value), "clip_value must not be negative");
  if (kind == UpdateKind::nadam)
    require(momentum_decay >= 0 && std::isfinite(momentum_decay), "momentum_decay must not be negative");
  else
    require(momentum_decay == 0, "momentum_decay has no meaning here, must be 0");
  spec::require_countable(*this);
}

std::string UpdateSpec::to_string() const {
  spec::Line line("update");
  line.word(plexus::to_string(kind)).word(plexus::to_string(dtype)).dimension("m", m).dimension("n", n);
  if (momentum != 0) line.value("momentum", momentum);
  line.flag("nesterov", nesterov);
  if (weight_decay != 0) line.value("weight_decay", weight_decay);
  if (has_moments()) line.value("beta1", beta1);
  if (has_beta2(*this)) line.value("beta2", beta2);
  if (has_epsilon(kind)) line.value("epsilon", epsilon);
  if (momentum_decay != 0) line.value("momentum_decay", momentum_decay);
  if (l1 != 0) line.value("l1", l1);
  if (l2 != 0) line.value("l2", l2);
  if (clip_value != 0) line.value("clip_value", clip_value);
  return line.layout(layout).string();
}

}  // namespace plexus

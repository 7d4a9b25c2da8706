#include "plexus/core/spec/update.h"

#include <cmath>

#include "plexus/core/spec/line.h"

namespace plexus {
namespace {

bool is_adam(UpdateKind kind) { return kind == UpdateKind::adam || kind == UpdateKind::adamw; }
bool has_momentum(UpdateKind kind) { return kind == UpdateKind::sgd || kind == UpdateKind::rmsprop; }
bool has_beta2(UpdateKind kind) { return is_adam(kind) || kind == UpdateKind::rmsprop; }
bool has_epsilon(UpdateKind kind) { return kind != UpdateKind::sgd; }

}  // namespace

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
  }
  return "unknown";
}

Operand UpdateSpec::operand(size_t slot) const {
  if (slot >= 4)
    return {.dtype = slot == 5 ? DType::i64 : dtype,
            .rows = 1,
            .columns = 1,
            .stride = 1,
            .used = slot != 5 || is_adam(kind),
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
  require_fraction(is_adam(kind), beta1, "beta1");
  require_fraction(has_beta2(kind), beta2, "beta2");
  require(!nesterov || (kind == UpdateKind::sgd && momentum > 0), "nesterov needs sgd with momentum");
  require(weight_decay >= 0 && std::isfinite(weight_decay), "weight_decay must not be negative");
  if (has_epsilon(kind))
    require(epsilon > 0 && std::isfinite(epsilon), "epsilon must be above 0");
  else
    require(epsilon == 0, "epsilon has no meaning here, must be 0");
  spec::require_countable(*this);
}

std::string UpdateSpec::to_string() const {
  spec::Line line("update");
  line.word(plexus::to_string(kind)).word(plexus::to_string(dtype)).dimension("m", m).dimension("n", n);
  if (momentum != 0) line.value("momentum", momentum);
  line.flag("nesterov", nesterov);
  if (weight_decay != 0) line.value("weight_decay", weight_decay);
  if (is_adam(kind)) line.value("beta1", beta1);
  if (has_beta2(kind)) line.value("beta2", beta2);
  if (has_epsilon(kind)) line.value("epsilon", epsilon);
  return line.layout(layout).string();
}

}  // namespace plexus

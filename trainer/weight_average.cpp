#include "plexus/trainer/weight_average.h"

#include <algorithm>

#include "plexus/core/backend.h"

namespace plexus {
namespace {

/// The average is what gradient descent makes of it with weight decay 1 and the gradient -parameter, at the
/// learning rate 1 - decay: w -= r (w - p). So every backend has it, as fast as its optimizers and whatever
/// the parameter's layout.
template <class Names>
Program averaging(const Sequential& network, const Names& names) {
  Program program;
  const DType dtype = network.dtype();
  const auto scalar = [&](const char* name) {
    return program.add_buffer({.name = name, .role = Role::scalar, .shape = {}, .dtype = dtype});
  };
  const BufferId rate = scalar("ema.rate"), minus = scalar("ema.minus");
  for (const auto& [name, average_name] : names) {
    const Shape& shape = network.store().entry(name).shape;
    const BufferId parameter =
        program.add_buffer({.name = name, .role = Role::parameter, .shape = shape, .dtype = dtype});
    const BufferId average = program.add_buffer(
        {.name = average_name, .role = Role::state, .shape = shape, .dtype = dtype, .like = parameter});
    const Shape matrix = matrix_shape(shape);
    program.add("average " + name,
                UpdateSpec{.kind = UpdateKind::sgd,
                           .m = matrix.rows(),
                           .n = matrix.columns(),
                           .weight_decay = 1,
                           .dtype = dtype},
                {average, parameter, no_buffer, no_buffer, rate, no_buffer, minus});
  }
  return program;
}

}  // namespace

std::vector<WeightAverage::Names> WeightAverage::names(const Sequential& network) {
  std::vector<Names> names;
  for (const auto& [name, entry] : network.store().entries())
    if (entry.role == Role::parameter) names.push_back({name, "ema." + name});
  return names;
}

WeightAverage::WeightAverage(const Context& context, Sequential& network, double decay)
    : network_(&network),
      names_(names(network)),
      plan_(Plan::build(context, network.store(), averaging(network, names_))) {
  const auto set = [&](const char* name, double value) {
    if (network.dtype() == DType::f64)
      network.store().scalar<double>(name) = value;
    else
      network.store().scalar<float>(name) = static_cast<float>(value);
  };
  set("ema.rate", 1 - decay);
  set("ema.minus", -1);
}

void WeightAverage::reset() {
  Store& store = network_->store();
  for (const auto& [parameter, average] : names_) store.set(average, store.get(parameter));
  in_use_ = false;
}

void WeightAverage::update() { plan_.run(0); }

void WeightAverage::use(bool averages) noexcept {
  if (in_use_ == averages) return;
  in_use_ = averages;
  Store& store = network_->store();
  for (const auto& [parameter, average] : names_) {
    const Store::Entry& entry = store.entry(parameter);
    store.set_layout(average, entry.layout);  // a plan built since may have changed the parameter's
    auto* const values = static_cast<std::byte*>(store.data(parameter));
    std::swap_ranges(values, values + entry.data.byte_count(), static_cast<std::byte*>(store.data(average)));
    if (entry.layout) entry.layout->refresh(values, matrix_shape(entry.shape), entry.data.dtype());
  }
}

}  // namespace plexus

#include "plexus/trainer/divergence.h"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <vector>

#include "plexus/core/error.h"
#include "plexus/core/plan.h"
#include "plexus/trainer/batches.h"

namespace plexus {
namespace {

// A loss so many times that of the first step (or 1, where that was small) is alarming. Healthy training does
// not come here, and what diverges does, a step or more before 1e38 is passed, where float ends.
constexpr double alarm = 10;

/// The largest magnitude; infinity where a value is NaN.
double largest(const Tensor& values) {
  const Tensor wide = values.converted(DType::f64);
  double result = 0;
  for (const double value : wide.values<double>())
    result = std::isfinite(value) ? std::max(result, std::abs(value)) : INFINITY;
  return result;
}

}  // namespace

void Divergence::after_step(double loss) {
  if (first_ < 0) first_ = std::max(loss, 1.0);
  alarming_ = loss > alarm * first_;
  if (!alarming_ && !kept_.empty()) kept_.clear();
}

void Divergence::keep() {
  const Store& store = network_->store();
  for (const auto& [name, entry] : store.entries())
    if (entry.role == Role::parameter) kept_.insert_or_assign(name, store.get(name));
}

std::string Divergence::describe(const Dataset& data, std::span<const int64_t> rows,
                                 const Progress& progress) {
  std::ostringstream text;
  text << "fit: epoch " << progress.epoch << ", step " << progress.step << ": the loss is "
       << (std::isnan(progress.loss) ? "NaN" : "infinite") << ", learning rate " << progress.learning_rate;
  if (const std::string found = cause(data, rows); !found.empty()) text << ", " << found;
  text << ": lower the learning rate, scale the data, or set clip_norm";
  return text.str();
}

std::string Divergence::cause(const Dataset& data, std::span<const int64_t> rows) {
  Store& store = network_->store();
  for (const auto& [name, weights] : kept_) store.set(name, weights);
  for (size_t i = 0; i < network_->size(); ++i)
    for (const auto& [name, entry] : store.entries())
      if (entry.role == Role::parameter && name.rfind(network_->prefix(i) + ".", 0) == 0 &&
          !std::isfinite(largest(store.get(name))))
        return place(name) + " is not finite";
  try {
    return describe_gradients(data, rows);
  } catch (const Error&) {  // what has to be said is that the loss is NaN
    return {};
  }
}

std::string Divergence::describe_gradients(const Dataset& data, std::span<const int64_t> rows) {
  Store& store = network_->store();
  LoweringOptions lowering;
  lowering.part = Part::backward;
  lowering.batch = static_cast<int64_t>(rows.size());
  lowering.dtype = network_->dtype();
  lowering.loss = loss_;
  lowering.labels = data.labels();
  Program program = network_->lower(lowering);
  std::vector<std::string> fresh, gradients;
  for (const Buffer& buffer : program.buffers()) {
    if (buffer.role == Role::state && buffer.like != no_buffer) gradients.push_back(buffer.name);
    if (buffer.persistent() && !store.contains(buffer.name)) fresh.push_back(buffer.name);
  }
  Plan plan = Plan::build(context_, store, std::move(program));
  const RowPreparation preparation(*network_);
  gather_features(context_.executor(), data, rows, preparation, network_->dtype(), plan.data("x"));
  gather_targets(context_.executor(), data, rows, network_->dtype(), plan.data("target"));
  plan.run(static_cast<int64_t>(rows.size()));

  double most = -1;
  std::string where;
  for (const std::string& name : gradients) {
    const double magnitude = largest(store.get(name));
    if (magnitude <= most) continue;
    most = magnitude;
    where = name.substr(0, name.rfind('.'));
  }
  for (const std::string& name : fresh) store.erase(name);
  if (where.empty()) return {};
  std::ostringstream text;
  if (std::isfinite(most))
    text << "largest gradient " << most << " (" << place(where) << ")";
  else
    text << "the gradient of " << place(where) << " is not finite";
  return text.str();
}

std::string Divergence::place(const std::string& parameter) const {
  for (size_t i = 0; i < network_->size(); ++i)
    if (parameter.rfind(network_->prefix(i) + ".", 0) == 0) return parameter + " of " + (*network_)[i].name();
  return parameter;
}

}  // namespace plexus

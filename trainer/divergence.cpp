#include "plexus/trainer/divergence.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "plexus/core/error.h"

namespace plexus {
namespace {

// A loss so many times that of the first step (or 1, where that was small) is alarming. Healthy training does
// not come here, and what diverges does, a step or more before 1e38 is passed, where float ends.
constexpr double alarm = 10;

// A learning rate that is far too large shows in the second step, and gives no such warning.
constexpr int first_steps = 2;

bool finite(const Tensor& values) {
  const Tensor wide = values.converted(DType::f64);
  return std::ranges::all_of(wide.values<double>(), [](double value) { return std::isfinite(value); });
}

}  // namespace

void Divergence::after_step(double loss) {
  if (first_ < 0) first_ = std::max(loss, 1.0);
  alarming_ = ++steps_ < first_steps || loss > alarm * first_;
  if (!alarming_ && !kept_.empty()) kept_.clear();
}

void Divergence::keep() {
  const Store& store = network_->store();
  for (const auto& [name, entry] : store.entries())
    if (entry.role == Role::parameter) kept_.insert_or_assign(name, store.get(name));
}

std::string Divergence::describe(TrainingStep& step, const Dataset& data, std::span<const int64_t> rows,
                                 const Progress& progress) {
  std::ostringstream text;
  text << "fit: epoch " << progress.epoch << ", step " << progress.step << ": the loss is "
       << (std::isnan(progress.loss) ? "NaN" : "infinite") << ", learning rate " << progress.learning_rate;
  if (const std::string found = cause(step, data, rows); !found.empty()) text << ", " << found;
  text << ": lower the learning rate, scale the data, or set clip_norm";
  return text.str();
}

std::string Divergence::cause(TrainingStep& step, const Dataset& data, std::span<const int64_t> rows) {
  Store& store = network_->store();
  for (const auto& [name, weights] : kept_) store.set(name, weights);
  for (size_t i = 0; i < network_->size(); ++i)
    for (const auto& [name, entry] : store.entries())
      if (entry.role == Role::parameter && name.rfind(network_->prefix(i) + ".", 0) == 0 &&
          !finite(store.get(name)))
        return place(name) + " is not finite";
  std::map<std::string, double> gradients;
  try {
    gradients = step.gradient_magnitudes(data, rows);
  } catch (const Error&) {  // what has to be said is that the loss is NaN
  }
  if (gradients.empty()) return {};
  const auto& [name, largest] =
      *std::ranges::max_element(gradients, {}, [](const auto& g) { return g.second; });
  std::ostringstream text;
  if (std::isfinite(largest))
    text << "largest gradient " << largest << " (" << place(name) << ")";
  else
    text << "the gradient of " << place(name) << " is not finite";
  return text.str();
}

std::string Divergence::place(const std::string& parameter) const {
  for (size_t i = 0; i < network_->size(); ++i)
    if (parameter.rfind(network_->prefix(i) + ".", 0) == 0) return parameter + " of " + (*network_)[i].name();
  return parameter;
}

}  // namespace plexus

#include "plexus/cli/diagnosis.h"

#include "plexus/trainer/diagnosis.h"

namespace plexus::cli {

void Diagnosis::begin(const Sequential& network, const TrainerOptions& settings, const Dataset& measured,
                      const Dataset& train, const Dataset& test, const Context& context, FitOptions& fit) {
  before_ = diagnose(network, settings, measured, fit, &test);
  // Targets are scaled here; and what fit refuses, it says itself.
  std::erase_if(before_, [](const Finding& f) { return f.refused || f.id == "unscaled-targets"; });
  for (const Finding& finding : before_) context.log(LogLevel::warning, to_string(finding));
  training_.emplace(train, settings, context, before_);
  fit.callbacks.push_back(&*training_);
}

std::vector<Finding> Diagnosis::findings() const {
  std::vector<Finding> all = before_;
  if (training_) all.insert(all.end(), training_->findings().begin(), training_->findings().end());
  return all;
}

}  // namespace plexus::cli

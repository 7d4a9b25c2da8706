#include "plexus/core/context.h"

#include <utility>

#include "plexus/core/error.h"
#include "plexus/core/profile.h"

namespace plexus {

Context::Context(std::shared_ptr<const Executor> executor,
                 std::vector<std::unique_ptr<const Backend>> backends, Policies policies, LogSink sink,
                 std::shared_ptr<Profile> profile) {
  if (backends.empty())
    throw BackendError("context: no backend given; the last one must have every operation");
  state_ = std::shared_ptr<const State>(
      new State{std::move(executor), std::move(backends), policies, std::move(sink), std::move(profile)});
}

// Others may go on recording; what was recorded so far is there for who has ended.
Context::State::~State() {
  if (!profile) return;
  profile->flush();
  if (const std::string complaint = profile->complaint(); sink && !complaint.empty()) sink(LogLevel::warning, complaint);
}

void Context::log(LogLevel level, const std::string& line) const {
  if (state_->sink && int(level) <= state_->policies.verbose) state_->sink(level, line);
}

void Context::quarantine(const std::string& backend, const std::string& run) const {
  const std::lock_guard lock(state_->quarantine.mutex);
  state_->quarantine.kernels.emplace(backend, run);
  state_->quarantine.count = state_->quarantine.kernels.size();
}

bool Context::quarantined(const std::string& backend, const std::string& run) const {
  if (quarantines() == 0) return false;
  const std::lock_guard lock(state_->quarantine.mutex);
  return state_->quarantine.kernels.contains({backend, run});
}

}  // namespace plexus

#include "plexus/core/context.h"

#include <utility>

#include "plexus/core/error.h"

namespace plexus {

Context::Context(std::shared_ptr<const Executor> executor,
                 std::vector<std::unique_ptr<const Backend>> backends, Policies policies, LogSink sink) {
  if (backends.empty())
    throw BackendError("context: no backend given; the last one must have every operation");
  state_ = std::make_shared<const State>(
      State{std::move(executor), std::move(backends), policies, std::move(sink)});
}

void Context::log(LogLevel level, const std::string& line) const {
  if (state_->sink && int(level) <= state_->policies.verbose) state_->sink(level, line);
}

}  // namespace plexus

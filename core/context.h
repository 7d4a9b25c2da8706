// Context: an ordered list of backends, the threads they run on, and policies. No global state: two live side by side.
#pragma once
#include <memory>
#include <vector>

#include "plexus/core/backend.h"
#include "plexus/core/executor.h"
#include "plexus/core/log.h"
#include "plexus/export.h"

namespace plexus {

/// What happens where the chosen backend lacks an operation and the reference runs it.
enum class Fallback { error, warn, allow };
/// What a plan looks for while it runs: nothing, NaN in what a kernel wrote, a difference from the reference.
enum class Check { none, nan, reference };

struct Policies {
  Fallback fallback = Fallback::warn;
  Check check = Check::none;
  int verbose = 0;  ///< 0; 1 what was chosen; 2 every kernel prepared; 3 every run, with times
};

/// A handle: copies share the same backends and threads. Made by make_context() (backends/registry.h).
class PLEXUS_EXPORT Context {
 public:
  /// `backends` in order of preference; the last must have every operation that programs will ask for.
  /// Throws BackendError where the list is empty.
  Context(std::shared_ptr<const Executor> executor, std::vector<std::unique_ptr<const Backend>> backends,
          Policies policies = {}, LogSink sink = stderr_sink());

  const Executor& executor() const { return *state_->executor; }
  const std::vector<std::unique_ptr<const Backend>>& backends() const { return state_->backends; }
  /// The chosen backend, and the last resort.
  const Backend& chosen() const { return *state_->backends.front(); }
  const Backend& reference() const { return *state_->backends.back(); }
  const Policies& policies() const { return state_->policies; }
  /// Sends a line to the sink where its level is at most `verbose`.
  void log(LogLevel level, const std::string& line) const;

 private:
  struct State {  // backends hold references to the executor: it dies last
    std::shared_ptr<const Executor> executor;
    std::vector<std::unique_ptr<const Backend>> backends;
    Policies policies;
    LogSink sink;
  };
  std::shared_ptr<const State> state_;
};

}  // namespace plexus

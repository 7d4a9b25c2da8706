// Context: an ordered list of backends, the threads they run on, and policies. No global state: two live side by side.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "plexus/core/backend.h"
#include "plexus/core/executor.h"
#include "plexus/core/log.h"
#include "plexus/export.h"

namespace plexus {

class Profile;

/// What happens where the chosen backend lacks an operation and the reference runs it.
enum class Fallback { error, warn, allow };
/// What a plan looks for while it runs: nothing; NaN in what a kernel wrote, or a difference from the reference, and stops
/// there; `sample`: now and then a difference from the reference, and goes on without the kernel that is wrong.
enum class Check { none, nan, reference, sample };

struct Policies {
  Fallback fallback = Fallback::warn;
  Check check = Check::none;
  int64_t check_interval = 1000;  ///< Check::sample: one in so many runs of a kernel
  int verbose = 0;  ///< 0; 1 what was chosen; 2 every kernel prepared; 3 every run, with times
};

/// A handle: copies share the same backends and threads. Made by make_context() (backends/registry.h).
class PLEXUS_EXPORT Context {
 public:
  /// `backends` in order of preference; the last must have every operation that programs will ask for.
  /// Throws BackendError where the list is empty. `profile`: where its plans record what they do, if anywhere.
  Context(std::shared_ptr<const Executor> executor, std::vector<std::unique_ptr<const Backend>> backends,
          Policies policies = {}, LogSink sink = stderr_sink(), std::shared_ptr<Profile> profile = nullptr);

  const Executor& executor() const { return *state_->executor; }
  const std::vector<std::unique_ptr<const Backend>>& backends() const { return state_->backends; }
  /// The chosen backend, and the last resort.
  const Backend& chosen() const { return *state_->backends.front(); }
  const Backend& reference() const { return *state_->backends.back(); }
  const Policies& policies() const { return state_->policies; }
  /// Null: nothing is recorded.
  Profile* profile() const { return state_->profile.get(); }
  /// Sends a line to the sink where its level is at most `verbose`.
  void log(LogLevel level, const std::string& line) const;

  /// A kernel that was found wrong: no plan of this context takes it from now on, and those that have it build themselves
  /// again. `run` is its line: "matmul/nn/f32/m128~/n512/k784/bias/relu". Safe from many threads, as the two that follow.
  void quarantine(const std::string& backend, const std::string& run) const;
  bool quarantined(const std::string& backend, const std::string& run) const;
  /// Counts the kernels in quarantine.
  uint64_t quarantines() const { return state_->quarantine.count; }

 private:
  struct Quarantine {
    std::mutex mutex;
    std::set<std::pair<std::string, std::string>> kernels;
    std::atomic<uint64_t> count = 0;
  };
  struct State {  // backends hold references to the executor: it dies last
    std::shared_ptr<const Executor> executor;
    std::vector<std::unique_ptr<const Backend>> backends;
    Policies policies;
    LogSink sink;
    std::shared_ptr<Profile> profile;
    mutable Quarantine quarantine = {};
    ~State();
  };
  std::shared_ptr<const State> state_;
};

}  // namespace plexus

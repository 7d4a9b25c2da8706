// Suite: the benchmarks of one backend with one number of threads, and how they report.
#pragma once
#include <benchmark/benchmark.h>

#include <functional>
#include <regex>
#include <string>
#include <vector>

#include "plexus/core/limits.h"
#include "plexus/bench/operations.h"
#include "plexus/core/context.h"

namespace plexus::bench {

struct SuiteOptions {
  bool quick = false;        ///< few shapes
  std::string filter = {};   ///< as --benchmark_filter: an extended regular expression; with a '-' before it, all others
};

class Suite {
 public:
  /// The part that is timed: its loop over the state, and the counters.
  using Measurement = std::function<void(benchmark::State&)>;
  /// All that comes before: once, however often the other is called. Throws Error where there is something wrong.
  using Preparation = std::function<Measurement()>;

  /// Throws ArgumentError for a filter that is no regular expression.
  Suite(const Context& context, const SuiteOptions& options);

  const Context& context() const { return context_; }
  const Backend& backend() const { return context_.chosen(); }
  bool quick() const { return quick_; }

  /// Registers "NAME/BACKEND/tTHREADS" where the filter takes it; measured in real time.
  void add(const std::string& name, Preparation prepare);
  /// Registers operations under their own line, where the backend has all of them; verified before they are timed.
  void add(const Program& program, const Fill& fill = {});

  /// Counters and label. `peak`: the least time (Limits::seconds) through the time that it took.
  void report(benchmark::State& state, const Cost& cost, const std::string& label) const;

  const std::vector<std::string>& names() const { return names_; }
  /// Whether something was not timed, for what was wrong with it.
  bool refused() const { return refused_; }

  Limits limits;  ///< to be set before the first benchmark runs

 private:
  std::string full_name(const std::string& name) const;
  bool selected(const std::string& name) const;
  void run(const std::string& name, const Preparation& prepare, benchmark::State& state);

  Context context_;
  bool quick_;
  bool all_ = true, inverted_ = false;
  std::regex filter_;
  std::vector<std::string> names_;
  std::string prepared_;     // the name of what is prepared: one at a time, since some need much memory
  Measurement measurement_;
  bool refused_ = false;
};

// One a family, in the file of its name.
void add_matmul(Suite& suite);
void add_activation(Suite& suite);
void add_loss(Suite& suite);
void add_update(Suite& suite);
void add_io(Suite& suite);
void add_plan(Suite& suite);
void add_training(Suite& suite);
void add_inference(Suite& suite);

}  // namespace plexus::bench

#include "plexus/bench/suite.h"

#include <algorithm>
#include <memory>

#include "plexus/core/error.h"

namespace plexus::bench {

Suite::Suite(const Context& context, const SuiteOptions& options) : context_(context), quick_(options.quick) {
  all_ = options.filter.empty() || options.filter == "all";
  if (all_) return;
  inverted_ = options.filter[0] == '-';
  try {
    filter_ = std::regex(options.filter.substr(inverted_), std::regex::extended | std::regex::nosubs);
  } catch (const std::regex_error&) {
    throw ArgumentError("--benchmark_filter " + options.filter + ": not a regular expression");
  }
}

bool Suite::selected(const std::string& name) const {
  return all_ || std::regex_search(name, filter_) != inverted_;
}

void Suite::add(const std::string& name, Preparation prepare) {
  const std::string full = name + "/" + backend().name() + "/t" + std::to_string(context_.executor().threads());
  if (!selected(full)) return;
  names_.push_back(full);
  benchmark::RegisterBenchmark(full.c_str(),
                               [this, full, prepare = std::move(prepare)](benchmark::State& state) {
                                 run(full, prepare, state);
                               })
      ->UseRealTime()
      ->Unit(benchmark::kMicrosecond);
}

void Suite::add(const Program& program, const Fill& fill) {
  if (!Operations::supported(backend(), program)) return;
  const std::string line = to_string(Run(program, 0, program.operations().size()));
  add(line, [this, program, fill]() -> Measurement {
    const auto operations = std::make_shared<Operations>(context_, program, fill);
    const std::string wrong = operations->verify();
    if (!wrong.empty()) throw Error("wrong (" + operations->description() + "): " + wrong);
    return [this, operations, cost = cost(program)](benchmark::State& state) {
      for (auto _ : state) operations->run();
      report(state, cost, operations->description());
    };
  });
}

void Suite::run(const std::string& name, const Preparation& prepare, benchmark::State& state) {
  try {
    if (name != prepared_) {
      prepared_.clear();
      measurement_ = nullptr;  // before the next one takes its memory
      measurement_ = prepare();
      prepared_ = name;
    }
    measurement_(state);
  } catch (const std::exception& error) {
    refused_ = true;
    std::string line = error.what();
    std::replace(line.begin(), line.end(), '\n', ' ');
    state.SkipWithError(line.c_str());
  }
}

void Suite::report(benchmark::State& state, const Cost& cost, const std::string& label) const {
  using benchmark::Counter;
  constexpr auto rate = Counter::kIsIterationInvariantRate;
  state.counters["GFLOPS"] = Counter(1e-9 * cost.flop, rate);
  state.counters["GB/s"] = Counter(1e-9 * cost.bytes, rate);
  state.counters["peak"] = Counter(limits.seconds(cost), rate);
  state.SetLabel(label);
}

}  // namespace plexus::bench

// plexus-bench: measures one backend with one number of threads, all families or some. `plexus bench` starts
// it for many.
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>
#include <set>

#include "plexus/backends/registry.h"
#include "plexus/bench/loop_cost.h"
#include "plexus/bench/reporter.h"
#include "plexus/bench/suite.h"
#include "plexus/cli/exit_code.h"
#include "plexus/cli/suggestion.h"
#include "plexus/core/error.h"

namespace plexus::bench {
namespace {

struct Family {
  std::string name;
  void (*add)(Suite&);
};

const std::vector<Family>& families() {
  static const std::vector<Family> table = {{"matmul", add_matmul},
                                            {"activation", add_activation},
                                            {"loss", add_loss},
                                            {"update", add_update},
                                            {"io", add_io},
                                            {"plan", add_plan},
                                            {"training", add_training},
                                            {"inference", add_inference}};
  return table;
}

struct Options {
  std::optional<std::string> backend;
  int threads = 0;
  std::vector<std::string> families;
  bool list_families = false, list_tests = false;
  SuiteOptions suite;
  std::string out;
  std::vector<std::string> others;  // of Google Benchmark
};

std::vector<Family> chosen(const std::vector<std::string>& names) {
  if (names.empty()) return families();
  std::vector<std::string> known;
  for (const Family& family : families()) known.push_back(family.name);
  std::vector<Family> result;
  for (const std::string& name : std::set<std::string>(names.begin(), names.end())) {
    const auto at = std::find(known.begin(), known.end(), name);
    if (at == known.end())
      throw ArgumentError("--family " + name + ": no such family" + cli::did_you_mean(name, known) +
                          "; families: " + cli::join(known));
    result.push_back(families()[size_t(at - known.begin())]);
  }
  return result;
}

/// Options of Google Benchmark, with a measuring time that suits many short benchmarks unless another is
/// given.
void initialize(const Options& options) {
  static std::vector<std::string> words = {
      "plexus-bench", options.suite.quick ? "--benchmark_min_time=0.01" : "--benchmark_min_time=0.1"};
  words.insert(words.end(), options.others.begin(), options.others.end());
  if (!options.out.empty()) words.push_back("--benchmark_out=" + options.out);
  static std::vector<char*> pointers;  // they are kept
  for (std::string& word : words) pointers.push_back(word.data());
  int count = int(pointers.size());
  pointers.push_back(nullptr);
  benchmark::Initialize(&count, pointers.data());
  if (count > 1) throw ArgumentError(std::string(pointers[1]) + ": no such option; see plexus-bench --help");
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.8g", value);
  return text;
}

std::string load_average() {
  double loads[3] = {};
  if (getloadavg(loads, 3) != 3) return "unknown";
  return number(loads[0]) + " " + number(loads[1]) + " " + number(loads[2]);
}

/// "Plexus 0.1.0, GCC 12.2.0, oneTBB 2021.8; onednn: oneDNN's primitives, 2.6.2"
std::string backend_versions() {
  std::string text = build_description();
  for (const BackendRow& row : backends())
    if (row.usable && row.loaded) text += "; " + row.name + ": " + row.description;
  return text;
}

void add_context(const Suite& suite, Isa most) {
  const Limits& limits = suite.limits;
  const std::string threads = "/t" + std::to_string(limits.threads);
  const auto add = [](const std::string& key, const std::string& value) {
    benchmark::AddCustomContext(key, value);
  };
  add("plexus_version", version());
  add("cpu", cpu().name);
  add("isa", to_string(most));
  add("threads", std::to_string(limits.threads));
  add("backend", suite.backend().name());
  add("backend_versions", backend_versions());
  add("load_average", load_average());
  for (const auto& [name, size] : cache_sizes()) add("cache/" + name, number(size));
  for (const auto& [isa, rate] : limits.multiply_add)
    add("limit/fma/" + to_string(isa) + threads, number(rate));
  for (const Limits::Level& level : limits.levels)
    add("limit/read/" + level.name + threads, number(level.bandwidth));
  const LoopCost loop = measure_loop_cost(limits.threads, most);
  add("limit/parallel_for/hot" + threads, number(loop.hot));
  add("limit/parallel_for/cold" + threads, number(loop.cold));
}

/// Runs what is registered. Google Benchmark writes nothing at all where that is nothing; here it is an empty
/// list.
void report(const Suite& suite, const std::string& out) {
  Reporter display(*benchmark::CreateDefaultDisplayReporter());
  benchmark::JSONReporter json;
  Reporter file(json);
  if (!suite.names().empty()) {
    benchmark::RunSpecifiedBenchmarks(&display, out.empty() ? nullptr : &file, "all");
    return;
  }
  std::fprintf(stderr,
               "plexus-bench: nothing to measure: backend '%s' has no kernel of these families that the "
               "filter takes\n",
               suite.backend().name().c_str());
  std::ofstream stream(out);
  file.SetOutputStream(&stream);
  file.ReportContext(benchmark::BenchmarkReporter::Context());
  file.Finalize();
}

int run(const Options& options) {
  if (options.list_families) {
    for (const Family& family : families()) std::printf("%s\n", family.name.c_str());
    return cli::ok;
  }
  const std::vector<Family> selected = chosen(options.families);
  // Who lacks what is seen in the labels, and by what is not there.
  if (options.backend == "") select("", backends());  // throws: an empty name is not "not given"
  const ContextOptions wanted{
      .backend = options.backend.value_or(""), .threads = options.threads, .profile = "", .sink = {}};
  const Isa most = Environment::resolve(wanted).max_isa;
  Suite suite(make_context(wanted), options.suite);
  for (const Family& family : selected) family.add(suite);
  if (options.list_tests) {
    for (const std::string& name : suite.names()) std::printf("%s\n", name.c_str());
    return cli::ok;
  }
  initialize(options);
  if (!options.out.empty() && !std::ofstream(options.out)) throw IoError(options.out + ": cannot be written");
  suite.limits = measure_limits(suite.context().executor().threads(), most);
  add_context(suite, most);
  report(suite, options.out);
  if (suite.refused()) throw Error("some results were wrong: their benchmarks were not timed");
  return cli::ok;
}

int fail(std::string message, int code) {
  std::replace(message.begin(), message.end(), '\n', ' ');
  std::fflush(stdout);
  std::fprintf(stderr, "plexus-bench: error: %s\n", message.c_str());
  return code;
}

int main(int argc, char** argv) {
  CLI::App app("Measures the kernels, readers and networks of one backend with one number of threads.",
               "plexus-bench");
  app.allow_extras();
  Options options;
  app.add_option("--backend", options.backend, "A name of `plexus info` (PLEXUS_BACKEND, else the default)");
  app.add_option("--threads", options.threads, "PLEXUS_NUM_THREADS, else all that this process may use")
      ->check(CLI::Range(1, 1024));
  app.add_option("--family", options.families, "Only these; several with commas")->delimiter(',');
  app.add_flag("--quick", options.suite.quick, "A handful of shapes of each family, for a short time each");
  app.add_flag("--list-families", options.list_families, "Print the families and end");
  app.add_option("--benchmark_filter", options.suite.filter,
                 "Only names that this extended regular expression finds");
  app.add_flag("--benchmark_list_tests", options.list_tests, "Print the names of the benchmarks and end");
  app.add_option("--benchmark_out", options.out, "Write JSON to this file");
  app.footer(
      "Other options that begin with --benchmark_ are those of Google Benchmark.\n"
      "Exit codes: 0 done, 1 something was wrong and not timed, 2 usage, 4 backend not available, 5 file not "
      "writable.");
  try {
    app.parse(argc, argv);
    options.others = app.remaining();
    return run(options);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help
    return fail(std::string(error.what()) + "; see plexus-bench --help", cli::usage);
  } catch (const std::exception& error) {
    return fail(error.what(), cli::exit_code(error));
  }
}

}  // namespace
}  // namespace plexus::bench

int main(int argc, char** argv) { return plexus::bench::main(argc, argv); }

// plexus bench: the speed of every backend on this machine, beside that of other libraries, and what changed
// since.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include "plexus/cli/bench/comparison.h"
#include "plexus/cli/bench/run.h"
#include "plexus/cli/bench/table.h"
#include "plexus/cli/command.h"
#include "plexus/cli/exit_code.h"
#include "plexus/cli/flags.h"
#include "plexus/cli/grid.h"
#include "plexus/cli/interrupt.h"
#include "plexus/cli/suggestion.h"
#include "plexus/core/error.h"

namespace plexus::cli {
namespace {

// Lines of changes and refusals that are shown; more are counted.
constexpr size_t most_lines = 30;

struct BenchOptions {
  std::string family, filter, backends, threads, out, peer_root;
  std::vector<std::string> compare;
  int repetitions = 1;
  bool quick = false, peers = false, force = false;
};

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> words;
  std::istringstream stream(list);
  for (std::string word; std::getline(stream, word, ',');) words.push_back(word);
  return words;
}

/// Names that were given are resolved as anywhere else; without any, all that are usable here.
std::vector<std::string> backend_names(const std::string& list) {
  const std::vector<BackendRow> table = backends();
  std::vector<std::string> names;
  if (list.empty()) {
    for (const BackendRow& row : table)
      if (row.usable) names.push_back(row.name);
  } else {
    for (const std::string& name : split(list)) names.push_back(select(name, table).name);
  }
  return names;
}

/// One thread and all there are, unless counts were given.
std::vector<int> thread_counts(const std::string& list) {
  if (list.empty()) {
    const int all = Environment::resolve({.backend = "reference"}).threads;
    return all > 1 ? std::vector<int>{1, all} : std::vector<int>{1};
  }
  std::vector<int> counts;
  const Check check = whole_number(1, 1024);
  for (const std::string& word : split(list)) {
    if (const std::string problem = check(word); !problem.empty())
      throw ArgumentError("--threads: " + problem);
    counts.push_back(std::stoi(word));
  }
  return counts;
}

void refuse_together(const App& app, const char* flag, std::initializer_list<const char*> others) {
  for (const char* other : others)
    if (app.given(other)) throw ArgumentError(std::string(flag) + " and " + other + " exclude each other");
}

void show(const std::vector<Change>& changes, const char* what) {
  if (changes.empty()) return;
  std::printf("\n%s\n", what);
  Grid grid({"", "time", "p"}, 1);
  for (size_t i = 0; i < changes.size() && i < most_lines; ++i) {
    char ratio[32], p[32];
    std::snprintf(ratio, sizeof ratio, "x %.2f", changes[i].ratio);
    std::snprintf(p, sizeof p, "%.2g", changes[i].p);
    grid.add({changes[i].name, ratio, p});
  }
  grid.print(stdout);
  if (changes.size() > most_lines) std::printf("and %zu more\n", changes.size() - most_lines);
}

void show(const std::vector<Refusal>& refusals) {
  for (size_t i = 0; i < refusals.size() && i < most_lines; ++i)
    std::printf("refused   %s: %s\n", refusals[i].name.c_str(), refusals[i].reason.c_str());
  if (refusals.size() > most_lines) std::printf("and %zu more\n", refusals.size() - most_lines);
}

std::string value(const Measurements& run, const std::string& key) {
  const auto found = run.context.find(key);
  return found == run.context.end() ? "unknown" : found->second;
}

int fewest_repetitions(const Measurements& a, const Measurements& b) {
  size_t fewest = SIZE_MAX;
  for (const Measurements* run : {&a, &b})
    for (const Measurement& m : run->list) fewest = std::min(fewest, m.seconds.size());
  return int(fewest);
}

int compare_files(const std::string& before, const std::string& after) {
  const Measurements a = measurements(load_json(before), before), b = measurements(load_json(after), after);
  const Comparison result = compare(a, b);
  std::printf("A         %s, Plexus %s, %s\n", before.c_str(), value(a, "plexus_version").c_str(),
              value(a, "date").c_str());
  std::printf("B         %s, Plexus %s, %s\n", after.c_str(), value(b, "plexus_version").c_str(),
              value(b, "date").c_str());
  std::printf("CPU       %s\n", value(a, "cpu").c_str());
  for (const Common& c : result.common)
    std::printf("together  t%d: B takes %.3f of the time of A (%zu benchmarks), the machine %.3f; %s\n",
                c.threads, c.ratio, c.benchmarks, c.machine,
                c.taken_out ? "the former is taken out" : "the latter is taken out");
  show(result.slower, "slower in B");
  show(result.faster, "faster in B");
  if (!result.refused.empty()) std::printf("\n");
  show(result.refused);

  std::printf("\n");
  if (result.only_a > 0) std::printf("%zu only in A\n", result.only_a);
  if (result.only_b > 0) std::printf("%zu only in B\n", result.only_b);
  if (fewest_repetitions(a, b) < result.needed_repetitions)
    std::printf(
        "note: a single slower one among so many only shows with --repetitions %d, or in its own --family\n",
        result.needed_repetitions);
  if (result.slower.empty() && result.faster.empty() && result.refused.empty())
    std::printf("no difference in %zu benchmarks\n", result.compared);
  else
    std::printf("%zu slower, %zu faster, %zu refused of %zu benchmarks\n", result.slower.size(),
                result.faster.size(), result.refused.size(), result.compared);
  return result.slower.empty() && result.refused.empty() ? ok : failed;
}

void print_machine(const Measurements& run) {
  std::printf("CPU       %s, %s\n", value(run, "cpu").c_str(), value(run, "isa").c_str());
  std::printf("build     %s\n", value(run, "backend_versions").c_str());
  for (const auto& [key, text] : run.context)
    if (key.starts_with("peer/")) std::printf("%-9s %s\n", key.substr(5).c_str(), text.c_str());
  for (const auto& [key, text] : run.context)
    if (key.starts_with("limit/"))
      std::printf("limit     %-24s %9.3g %s\n", key.substr(6).c_str(), run.limit(key).value_or(0),
                  key.starts_with("limit/fma")    ? "GFLOP/s"
                  : key.starts_with("limit/read") ? "GB/s"
                                                  : "us");
}

void write(const std::string& directory, const Json& json) {
  const std::string path = directory + "/bench.json";
  std::ofstream file(path);
  file << json.dump(1) << "\n";
  if (!file.flush()) throw IoError(path + ": cannot write");
  std::printf("\nwrote     %s\n", path.c_str());
}

int bench(const BenchOptions& options) {
  BenchRun run{.families = options.family,
               .filter = options.filter,
               .backends = backend_names(options.backends),
               .threads = thread_counts(options.threads),
               .repetitions = options.repetitions,
               .quick = options.quick,
               .peers = options.peers,
               .peer_root = options.peer_root,
               .force = options.force};
  if (!options.out.empty()) {  // before the work: nobody wants to learn afterwards that it was in vain
    std::error_code error;
    std::filesystem::create_directories(options.out, error);
    if (error) throw IoError(options.out + ": cannot make this directory: " + error.message());
  }
  catch_interrupts();
  const Json json = run_benchmarks(run, stderr);
  if (interrupted()) return signalled + interrupted();

  const Measurements result = measurements(json, "this run");
  print_machine(result);
  print_tables(result, stdout);
  if (!options.out.empty()) write(options.out, json);
  if (!result.refusals.empty()) std::printf("\n");
  show(result.refusals);
  bool voided = false;
  for (const auto& [key, reason] : result.context) {
    if (!key.starts_with("void/")) continue;
    std::fprintf(stderr, "plexus: void: %s: %s\n", key.substr(5).c_str(), reason.c_str());
    voided = voided || (options.peers && !options.force);
  }
  return result.refusals.empty() && !voided ? ok : failed;
}

}  // namespace

Command bench_command(App& parent) {
  const auto options = std::make_shared<BenchOptions>();
  App app = parent.add_subcommand("bench", "Measure the backends on this machine, beside other libraries");
  app.add_flag("--quick", options->quick, "A few shapes, a short time each: at most a minute on two cores");
  app.add_option("--family", options->family,
                 "matmul, activation, loss, update, io, plan, training, inference; separated by commas "
                 "(default: all)")
      .type_name("LIST");
  app.add_option("--filter", options->filter,
                 "Only what this extended regular expression finds in its name, such as training/784-128-10/b32/")
      .type_name("REGEX");
  app.add_option("--backends", options->backends, "Names, separated by commas (default: all that are usable)")
      .type_name("LIST");
  app.add_option("--threads", options->threads, "Counts, separated by commas (default: 1 and all there are)")
      .type_name("LIST");
  app.add_option("--repetitions", options->repetitions,
                 "Processes for each backend and count (default: 1; --compare needs 9)")
      .type_name("N")
      .check(whole_number(1, 99));
  app.add_option("--out", options->out,
                 "Write bench.json into this directory, for --compare and plexus report")
      .type_name("DIR");
  app.add_flag(
      "--peers", options->peers,
      "Measure OpenBLAS, oneDNN, PyTorch, scikit-learn and ONNX Runtime too, those that are installed");
  app.add_option("--peer-root", options->peer_root,
                 "Run the peers in this root directory, with chroot: a Debian with newer ones")
      .type_name("DIR");
  app.add_flag("--force", options->force,
               "Measure peers on a busy machine, too, and keep those that are void; the file says so");
  app.add_option("--compare", options->compare,
                 "What changed from A.json to B.json; exit code 1 where something got slower")
      .type_name("A B")
      .expected(2);
  app.footer(
      "Examples:\n"
      "  plexus bench --quick\n"
      "  plexus bench --family matmul --repetitions 9 --out before   and after a change of the code, with "
      "--out after:\n"
      "  plexus bench --compare before/bench.json after/bench.json\n"
      "  plexus bench --peers --out run && plexus report run/bench.json");
  return {app, [options, app] {
            if (!options->peer_root.empty() && !options->peers)
              throw ArgumentError("--peer-root: only with --peers");
            if (options->compare.empty()) return bench(*options);
            refuse_together(app, "--compare",
                            {"--quick", "--family", "--filter", "--backends", "--threads", "--repetitions", "--out",
                             "--peers", "--peer-root", "--force"});
            return compare_files(options->compare[0], options->compare[1]);
          }};
}

}  // namespace plexus::cli

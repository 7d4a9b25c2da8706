#include "plexus/cli/bench/run.h"

#include <stdlib.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <set>
#include <thread>

#include "plexus/cli/bench/load.h"
#include "plexus/cli/bench/peers.h"
#include "plexus/cli/exit_code.h"
#include "plexus/cli/interrupt.h"
#include "plexus/cli/program.h"
#include "plexus/cli/progress.h"
#include "plexus/cli/terminal.h"

namespace plexus::cli {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// The load of a quiet machine, before and while it is measured: half a processor for others.
constexpr double quiet_load = 0.5;

// Seconds a peer's benchmark runs: as many as one of plexus-bench does.
constexpr double peer_seconds = 0.1, quick_peer_seconds = 0.01;

/// A directory for what the processes write, removed with everything in it.
class Scratch {
 public:
  Scratch() : path_(fs::temp_directory_path() / "plexus-bench-XXXXXX") {
    if (!mkdtemp(path_.data())) throw IoError(path_ + ": cannot make a directory there");
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// Which process runs, and how long the others will take.
class ProcessDisplay {
 public:
  ProcessDisplay(std::FILE* out, size_t processes, int repetitions)
      : out_(out), bar_(is_terminal(out)), processes_(processes), repetitions_(repetitions) {}
  ~ProcessDisplay() { clear(); }

  void starts(const std::string& what, int repetition) {
    if (bar_) {
      clear();
      std::string line = std::to_string(done_ + 1) + "/" + std::to_string(processes_) + "  " + what +
                         ", repetition " + std::to_string(repetition + 1) + " of " +
                         std::to_string(repetitions_) + left();
      line.resize(std::min(line.size(), size_t(std::max(terminal_width(out_) - 1, 0))));
      std::fprintf(out_, "\r%s", line.c_str());
      drawn_ = int(line.size());
    } else if (repetition != repetition_) {
      std::fprintf(out_, "repetition %d of %d%s\n", repetition + 1, repetitions_, left().c_str());
    }
    repetition_ = repetition;
    std::fflush(out_);
    ++done_;
  }

 private:
  std::string left() const {
    if (done_ == 0) return "";
    const double elapsed = std::chrono::duration<double>(Clock::now() - start_).count();
    return "  " + duration(elapsed / double(done_) * double(processes_ - done_)) + " left";
  }
  void clear() {
    if (drawn_ > 0) std::fprintf(out_, "\r%*s\r", drawn_, "");
    drawn_ = 0;
  }

  std::FILE* out_;
  bool bar_;
  size_t processes_, done_ = 0;
  int repetitions_, repetition_ = -1, drawn_ = 0;
  Clock::time_point start_ = Clock::now();
};

std::string with_one_digit(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

Json run_plexus(const BenchRun& options, const Scratch& scratch, const std::string& backend, int threads) {
  const std::string out = scratch.file("bench.json"), err = scratch.file("err");
  fs::remove(out);
  Program program{
      .arguments = {libexec("plexus-bench"), "--backend", backend, "--threads", std::to_string(threads),
                    "--benchmark_out=" + out, "--benchmark_out_format=json"},
      .err = err};
  if (!options.families.empty())
    program.arguments.insert(program.arguments.end(), {"--family", options.families});
  if (!options.filter.empty()) program.arguments.push_back("--benchmark_filter=" + options.filter);
  if (options.quick) program.arguments.push_back("--quick");
  const int code = run(program);
  // It ends with an error, too, after it refused to time a wrong kernel: then the file is whole, and says
  // which.
  if (!interrupted() && (code == ok || code == failed) && fs::exists(out) && fs::file_size(out) > 0)
    return load_json(out);
  if (interrupted()) return nullptr;
  std::string line = last_line(err);
  const std::string prefix = "plexus-bench: error: ", its_filter = "--benchmark_filter ";
  if (line.starts_with(prefix)) line.erase(0, prefix.size());
  if (line.starts_with(its_filter)) line = "--filter " + line.substr(its_filter.size());
  if (code == usage) throw ArgumentError(line);  // ours was passed on: it knows the families
  throw Error("plexus-bench --backend " + backend + " --threads " + std::to_string(threads) + " ended with " +
              std::to_string(code) + (line.empty() ? "" : ": " + line));
}

std::string count(int threads) { return std::to_string(threads) + (threads == 1 ? " thread" : " threads"); }

/// "matmul/nn/.../simd/t2" without backend and threads.
std::string without_backend(const std::string& name) {
  const size_t threads = name.rfind('/');
  const size_t backend = threads == std::string::npos ? threads : name.rfind('/', threads - 1);
  return name.substr(0, backend);
}

/// The peers that are here, with all their settings.
class Peers {
 public:
  Peers(const BenchRun& options) : programs_(options.peer_root) {
    for (const std::string& peer : peer_names()) {
      std::string missing;
      if (const auto text = programs_.versions(peer, missing)) {
        versions_[peer] = *text;
        std::fprintf(stderr, "plexus: peer %s: %s\n", peer.c_str(), text->c_str());
        for (const int threads : options.threads)
          for (const PeerSetting& setting : peer_settings(peer, threads)) add(setting);
      } else {
        std::fprintf(stderr, "plexus: peer %s: left out: %s\n", peer.c_str(), missing.c_str());
      }
    }
  }
  std::vector<PeerRun> runs;
  const std::map<std::string, std::string>& versions() const { return versions_; }
  void measure(PeerRun& run, const std::set<std::string>& names, double seconds) const {
    run.repetitions.push_back(programs_.measure(run.setting, names, seconds));
  }

 private:
  void add(const PeerSetting& setting) {
    for (const PeerRun& run : runs)
      if (run.setting == setting) return;
    runs.push_back({setting, {}});
  }
  PeerPrograms programs_;
  std::map<std::string, std::string> versions_;
};

}  // namespace

Json run_benchmarks(const BenchRun& options, std::FILE* progress) {
  if (access(libexec("plexus-bench").c_str(), X_OK) != 0)
    throw MissingPart(libexec("plexus-bench") +
                      " is not there: build with -DPLEXUS_BUILD_BENCHMARKS=ON (Debian: libbenchmark-dev)");
  const double load = load_average();
  const std::string busy =
      load > quiet_load ? "the machine is busy: load average " + with_one_digit(load) : "";
  if (!busy.empty() && options.peers && !options.force)
    throw Error(busy + ", above " + with_one_digit(quiet_load) +
                ": peers measured now say nothing; wait, or --force, which marks the run as void");
  if (!busy.empty()) std::fprintf(stderr, "plexus: warning: %s: times will be too long\n", busy.c_str());

  const Scratch scratch;
  std::unique_ptr<Peers> peers;
  if (options.peers) peers = std::make_unique<Peers>(options);
  const size_t settings = peers ? peers->runs.size() : 0;
  const size_t processes =
      (options.backends.size() * options.threads.size() + settings) * size_t(options.repetitions);
  ProcessDisplay display(progress, processes, options.repetitions);

  const OthersLoad others;
  Merge merge;
  std::set<std::string> names;
  for (int repetition = 0; repetition < options.repetitions; ++repetition) {
    for (const int threads : options.threads)
      for (const std::string& backend : options.backends) {
        display.starts(backend + ", " + count(threads), repetition);
        const Json json = run_plexus(options, scratch, backend, threads);
        if (interrupted()) return nullptr;
        merge.add(json, repetition);
        for (const Json& entry : json.at("benchmarks"))
          names.insert(without_backend(entry.at("name").get<std::string>()));
      }
    if (names.empty() && !options.filter.empty())
      throw ArgumentError("--filter " + options.filter +
                          ": no benchmark has such a name; the tables of plexus bench without it show the names");
    for (size_t i = 0; i < settings; ++i) {
      PeerRun& run = peers->runs[i];
      display.starts(run.setting.peer + ", " + run.setting.label, repetition);
      peers->measure(run, names, options.quick ? quick_peer_seconds : peer_seconds);
      if (interrupted()) return nullptr;
    }
  }

  Json result = merge.json(options.repetitions);
  std::map<std::string, std::string> voided;
  if (peers) {
    for (const int threads : options.threads)
      for (const auto& [peer, reason] : add_peers(merge, result, peers->runs, threads, options.force))
        voided[peer] = reason;
    result = merge.json(options.repetitions);
    for (const auto& [peer, versions] : peers->versions()) result["context"]["peer/" + peer] = versions;
  }
  if (!busy.empty()) voided["machine"] = busy;
  if (const double used = others.processors(); used > quiet_load)
    voided["machine"] = "others used " + with_one_digit(used) + " processors while it was measured";
  for (const auto& [what, reason] : voided) result["context"]["void/" + what] = reason;
  return result;
}

}  // namespace plexus::cli

#include "plexus/cli/bench/peers.h"

#include <stdlib.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>

#include "plexus/cli/exit_code.h"

namespace plexus::cli {
namespace {

namespace fs = std::filesystem;

// A peer that is slower than this on the product that suits it best is not the peer that people would pick,
// but a broken installation: a reference BLAS, kernels for another CPU, cores that somebody else uses. Sound
// ones reach 85 % and more.
constexpr double least_peak = 0.7;

struct Peer {
  const char* name;
  std::vector<std::string> program;
};

const std::vector<Peer>& table() {
  static const std::vector<Peer> peers = {{"openblas", {"sgemm", "openblas"}},
                                          {"onednn-sgemm", {"sgemm", "onednn"}},
                                          {"pytorch", {"pytorch.py"}},
                                          {"sklearn", {"scikit_learn.py"}},
                                          {"onnxruntime", {"onnx_runtime.py"}}};
  return peers;
}

/// Every pool of threads that a peer may bring along; what it does not have ignores its variable.
PeerSetting with_threads(const Peer& peer, int openmp, int blas, const char* policy) {
  std::string label = "OpenMP " + std::to_string(openmp);
  if (openmp > 1) label.append(policy[0] == 'A' ? " active" : " passive");
  label += ", BLAS " + std::to_string(blas);
  return {peer.name,
          label,
          peer.program,
          {{"OMP_NUM_THREADS", std::to_string(openmp)},
           {"OMP_WAIT_POLICY", policy},
           {"OPENBLAS_NUM_THREADS", std::to_string(blas)}}};
}

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

double fma_limit(const Json& context, int threads) {
  double most = 0;
  for (const auto& [key, value] : context.items())
    if (key.starts_with("limit/fma/") && key.ends_with("/t" + std::to_string(threads)))
      most = std::max(most, std::atof(value.get<std::string>().c_str()));
  return most;
}

/// The middle of what a context of each repetition says under a key; NaN where it says nothing.
double median_of(const PeerRun& run, const char* key) {
  std::vector<double> values;
  for (const Json& json : run.repetitions)
    if (const auto found = json.at("context").find(key); found != json.at("context").end())
      values.push_back(std::atof(found->get<std::string>().c_str()));
  return median(values);
}

std::map<std::string, double> median_times(const PeerRun& run) {
  std::map<std::string, std::vector<double>> times;
  for (const Json& json : run.repetitions)
    for (const Json& entry : json.at("benchmarks"))
      times[entry.at("name").get<std::string>()].push_back(entry.at("real_time").get<double>());
  std::map<std::string, double> medians;
  for (const auto& [name, values] : times) medians[name] = median(values);
  return medians;
}

/// What a benchmark has to do, whoever does it.
struct Work {
  double gflop = 0;          ///< of one iteration
  double least_seconds = 0;  ///< that the machine's limits leave
};

/// By name without backend and threads.
std::map<std::string, Work> work(const Json& ours, int threads) {
  std::map<std::string, Work> result;
  for (const Measurement& m : measurements(ours, "this run").list)
    if (m.threads == threads && m.gflops)
      result[m.family + "/" + m.shape] = {*m.gflops * m.median_seconds(),
                                          m.peak.value_or(0) * m.median_seconds()};
  return result;
}

std::string too_slow(double gflops, double limit, int threads) {
  char text[160];
  std::snprintf(text, sizeof text,
                "its product of 1024 x 1024 matrices reaches %.0f of %.0f GFLOP/s (t%d), less than 70 %%",
                gflops, limit, threads);
  return text;
}

}  // namespace

std::vector<std::string> peer_names() {
  std::vector<std::string> names;
  for (const Peer& peer : table()) names.push_back(peer.name);
  return names;
}

std::vector<PeerSetting> peer_settings(const std::string& name, int threads) {
  const Peer& peer =
      *std::find_if(table().begin(), table().end(), [&](const auto& p) { return p.name == name; });
  std::vector<int> counts = {1};
  if (threads > 1) counts.push_back(threads);
  std::vector<PeerSetting> settings;
  if (name == "openblas") {
    settings = {with_threads(peer, 1, threads, "PASSIVE")};
  } else if (name == "sklearn") {
    for (const int blas : counts) settings.push_back(with_threads(peer, 1, blas, "PASSIVE"));
  } else {
    // PyTorch's products run on the threads of BLAS, all else on those of OpenMP: either may be better left
    // alone.
    for (const int openmp : counts)
      for (const int blas : name == "pytorch" ? counts : std::vector<int>{1})
        for (const char* policy : {"PASSIVE", "ACTIVE"})
          if (openmp > 1 || policy[0] == 'P') settings.push_back(with_threads(peer, openmp, blas, policy));
  }
  return settings;
}

PeerPrograms::PeerPrograms(const std::string& root) : root_(root) {
  const std::string programs = libexec("peers");
  if (!fs::is_directory(programs))
    throw MissingPart("--peers: " + programs +
                      " is not there: build with -DPLEXUS_BUILD_BENCHMARKS=ON (Debian: libbenchmark-dev)");
  std::string pattern =
      (root.empty() ? fs::temp_directory_path() : fs::path(root) / "tmp") / "plexus-peers-XXXXXX";
  if (!mkdtemp(pattern.data())) throw IoError(pattern + ": cannot make a directory there");
  scratch_ = pattern;
  if (root.empty()) {
    folder_ = programs;
    return;
  }
  std::error_code error;
  fs::copy(programs, scratch_, fs::copy_options::recursive, error);
  if (error) throw IoError(scratch_ + ": cannot copy the peers there: " + error.message());
  folder_ = "/" + fs::path(scratch_).lexically_relative(root).string();
}

PeerPrograms::~PeerPrograms() {
  std::error_code ignored;
  fs::remove_all(scratch_, ignored);
}

Program PeerPrograms::program(const PeerSetting& setting, const std::vector<std::string>& more) const {
  Program program;
  if (!root_.empty()) program.arguments = {"chroot", root_};
  program.arguments.push_back(folder_ + "/" + setting.program.front());
  program.arguments.insert(program.arguments.end(), setting.program.begin() + 1, setting.program.end());
  program.arguments.insert(program.arguments.end(), more.begin(), more.end());
  program.environment = setting.environment;
  // Both choose kernels and blocks for another CPU than this one; whoever set them had an older OpenBLAS in
  // mind.
  program.environment["OPENBLAS_CORETYPE"] = program.environment["OPENBLAS_L2_SIZE"] = std::nullopt;
  program.out = scratch_ + "/out";
  program.err = scratch_ + "/err";
  return program;
}

std::optional<std::string> PeerPrograms::versions(const std::string& peer, std::string& missing) const {
  const int code = run(program(peer_settings(peer, 1).front(), {"--versions"}));
  if (code == ok) return first_line(scratch_ + "/out");
  missing = last_line(scratch_ + "/err");
  if (code == no_backend) return std::nullopt;
  throw Error(peer + ": " + missing);
}

Json PeerPrograms::measure(const PeerSetting& setting, const std::set<std::string>& names,
                           double seconds) const {
  std::ofstream list(scratch_ + "/names");
  for (const std::string& name : names) list << name << "\n";
  list.close();
  char time[32];
  std::snprintf(time, sizeof time, "%g", seconds);
  const std::string inside = root_.empty() ? scratch_ : folder_;
  const int code = run(
      program(setting, {"--names", inside + "/names", "--out", inside + "/bench.json", "--min-time", time}));
  if (code != ok)
    throw Error(setting.peer + " (" + setting.label + ") ended with " + std::to_string(code) + ": " +
                last_line(scratch_ + "/err"));
  return load_json(scratch_ + "/bench.json");
}

std::map<std::string, std::string> add_peers(Merge& merge, const Json& ours, const std::vector<PeerRun>& runs,
                                             int threads, bool force) {
  const std::map<std::string, Work> works = work(ours, threads);
  const double limit = fma_limit(ours.at("context"), threads);
  std::map<std::string, std::string> voided;
  for (const std::string& peer : peer_names()) {
    struct Best {
      const PeerRun* run = nullptr;
      double time = std::numeric_limits<double>::infinity();
    };
    std::map<std::string, Best> best;
    double gflops = 0;
    const std::vector<PeerSetting> settings = peer_settings(peer, threads);
    for (const PeerRun& run : runs) {
      if (std::find(settings.begin(), settings.end(), run.setting) == settings.end()) continue;
      gflops = std::fmax(gflops, median_of(run, "sgemm_1024"));
      for (const auto& [name, time] : median_times(run))
        if (time < best[name].time) best[name] = {&run, time};
    }
    if (best.empty()) continue;
    if (!(gflops >= least_peak * limit) || limit == 0) {
      voided[peer] = too_slow(gflops, limit, threads);
      if (!force) continue;
    }
    for (const auto& [name, choice] : best)
      for (size_t r = 0; r < choice.run->repetitions.size(); ++r) {
        Json one = {{"context", Json::object()}, {"benchmarks", Json::array()}};
        for (Json entry : choice.run->repetitions[r].at("benchmarks")) {
          if (entry.at("name") != name) continue;
          entry["label"] = choice.run->setting.label;
          if (const auto found = works.find(name); found != works.end()) {
            const double seconds = entry.at("real_time").get<double>() * 1e-9;
            entry["GFLOPS"] = found->second.gflop / seconds;
            if (found->second.least_seconds > 0) entry["peak"] = found->second.least_seconds / seconds;
          }
          one["benchmarks"].push_back(std::move(entry));
        }
        merge.add(one, int(r), "/" + peer + "/t" + std::to_string(threads));
      }
  }
  return voided;
}

}  // namespace plexus::cli

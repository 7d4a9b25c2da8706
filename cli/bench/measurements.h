// Measurements: the JSON of a run of benchmarks (Google Benchmark's schema), read, merged and taken apart.
#pragma once
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace plexus::cli {

using Json = nlohmann::ordered_json;

/// One benchmark with all its repetitions.
struct Measurement {
  std::string name;                 ///< "matmul/nn/f32/m128~/n512/k784/bias/onednn/t2"
  std::string family;               ///< the first part of the name
  std::string shape;                ///< what lies between
  std::string backend;              ///< the last part but one
  int threads = 0;                  ///< the last part
  std::map<int, double> seconds;    ///< wall-clock time of one iteration, by repetition
  std::optional<double> gflops, gigabytes, peak;  ///< medians: GFLOP/s, GB/s, fraction of the machine's limit

  double median_seconds() const;
};

/// A benchmark that ran but was not timed: its result was wrong.
struct Refusal {
  std::string name, reason;
};

struct Measurements {
  std::string file;                           ///< for messages
  std::map<std::string, std::string> context;  ///< the flat values: cpu, plexus_version, limit/..., void/...
  std::vector<Measurement> list;               ///< in the order of the file
  std::vector<Refusal> refusals;

  const Measurement* find(const std::string& name) const;
  /// A number of the context, absent where there is none.
  std::optional<double> limit(const std::string& key) const;
};

double median(std::vector<double> values);

/// Parses a file. Throws IoError or, where it is no JSON of this schema, FormatError.
Json load_json(const std::string& path);
/// Throws FormatError with the file and the benchmark that is not as it should be.
Measurements measurements(const Json& json, const std::string& file);

/// What many processes wrote, as one run. Numbers that the processes measured of the machine (limit/) are their medians, the load
/// average is the largest; other differing values of the context are listed one after the other, each once.
class Merge {
 public:
  /// `suffix` is put behind each name; `repetition` from 0.
  void add(const Json& process, int repetition, const std::string& suffix = "");
  Json json(int repetitions) const;

 private:
  Json context_ = Json::object();
  std::map<std::string, std::vector<std::string>> values_;  // of the context
  std::vector<Json> benchmarks_;
  std::map<std::string, std::string> refused_;
};

}  // namespace plexus::cli

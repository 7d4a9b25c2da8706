#include "plexus/cli/bench/measurements.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <span>

#include "plexus/cli/suggestion.h"
#include "plexus/core/error.h"

namespace plexus::cli {
namespace {

// What is true of one process alone.
const char* const of_a_process[] = {"threads", "backend"};
// What the first process says for all.
const char* const of_the_first[] = {"date"};

bool contains(std::span<const char* const> list, const std::string& key) {
  return std::find(list.begin(), list.end(), key) != list.end();
}

std::optional<double> number(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

// Between the parts of a value that lists several: "Plexus 0.1.0, GCC 12.2.0; onednn: 2.6.3"
const std::string separator = "; ";

std::vector<std::string> parts(const std::string& value) {
  std::vector<std::string> list;
  for (size_t begin = 0; begin <= value.size();) {
    const size_t end = std::min(value.find(separator, begin), value.size());
    list.push_back(value.substr(begin, end - begin));
    begin = end + separator.size();
  }
  return list;
}

std::string text(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

double seconds_of(const std::string& unit) {
  return unit == "s" ? 1 : unit == "ms" ? 1e-3 : unit == "us" ? 1e-6 : unit == "ns" ? 1e-9 : NAN;
}

/// Takes "family/shape.../backend/t2" apart; false where it is something else.
bool take_apart(Measurement& m) {
  const size_t first = m.name.find('/'), last = m.name.rfind('/');
  if (first == std::string::npos || last <= first + 1) return false;
  const size_t middle = m.name.rfind('/', last - 1);
  if (middle < first) return false;
  const std::optional<double> threads =
      m.name[last + 1] == 't' ? number(m.name.substr(last + 2)) : std::nullopt;
  if (!threads || *threads < 1) return false;
  m.family = m.name.substr(0, first);
  m.shape = middle == first ? "" : m.name.substr(first + 1, middle - first - 1);
  m.backend = m.name.substr(middle + 1, last - middle - 1);
  m.threads = int(*threads);
  return true;
}

bool refused(const Json& entry) { return entry.value("error_occurred", false); }

/// The counters of a benchmark while its repetitions are read.
struct Counters {
  std::vector<double> gflops, gigabytes, peak;
};

void collect(const Json& entry, const char* key, std::vector<double>& values) {
  const auto found = entry.find(key);
  if (found != entry.end() && found->is_number()) values.push_back(found->get<double>());
}

std::optional<double> median_if_any(const std::vector<double>& values) {
  if (values.empty()) return std::nullopt;
  return median(values);
}

}  // namespace

double median(std::vector<double> values) {
  if (values.empty()) return NAN;
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double Measurement::median_seconds() const {
  std::vector<double> values;
  for (const auto& [repetition, value] : seconds) values.push_back(value);
  return median(values);
}

const Measurement* Measurements::find(const std::string& name) const {
  const auto found = std::find_if(list.begin(), list.end(), [&](const auto& m) { return m.name == name; });
  return found == list.end() ? nullptr : &*found;
}

std::optional<double> Measurements::limit(const std::string& key) const {
  const auto found = context.find(key);
  return found == context.end() ? std::nullopt : number(found->second);
}

Json load_json(const std::string& path) {
  if (std::filesystem::is_directory(path))
    throw IoError(path + ": a directory; expected a file that plexus bench --out writes");
  std::ifstream file(path, std::ios::binary);
  if (!file) throw IoError(path + ": cannot read");
  Json json;
  try {
    json = Json::parse(file);
  } catch (const Json::parse_error& error) {
    throw FormatError(path, "byte " + std::to_string(error.byte),
                      "not JSON; expected what plexus bench --out writes");
  }
  const auto benchmarks = json.find("benchmarks");
  const bool valid = json.is_object() && json.contains("context") && json["context"].is_object() &&
                     benchmarks != json.end() && benchmarks->is_array();
  if (!valid)
    throw FormatError(path, "",
                      "expected an object with context and benchmarks, as plexus bench --out writes it");
  return json;
}

Measurements measurements(const Json& json, const std::string& file) {
  Measurements result;
  result.file = file;
  for (const auto& [key, value] : json.at("context").items()) result.context[key] = text(value);
  std::map<std::string, size_t> index;
  std::vector<Counters> counters;
  for (const Json& entry : json.at("benchmarks")) {
    const std::string place = "benchmark " + std::to_string(&entry - &json.at("benchmarks").front() + 1);
    try {
      Measurement m;
      m.name = entry.at("name").get<std::string>();
      if (entry.value("run_type", "iteration") == "aggregate") continue;
      if (refused(entry)) {
        result.refusals.push_back({m.name, entry.value("error_message", "")});
        continue;
      }
      if (!take_apart(m))
        throw FormatError(file, place, "expected a name like family/shape/backend/t1, found " + m.name);
      const double seconds =
          entry.at("real_time").get<double>() * seconds_of(entry.at("time_unit").get<std::string>());
      if (!(seconds > 0)) throw FormatError(file, place, "expected a time above 0 in s, ms, us or ns");
      const auto [found, is_new] = index.emplace(m.name, result.list.size());
      if (is_new) result.list.push_back(m), counters.emplace_back();
      std::map<int, double>& all = result.list[found->second].seconds;
      int repetition = entry.value("repetition_index", 0);
      while (all.count(repetition)) ++repetition;  // several files put together by hand
      all[repetition] = seconds;
      Counters& own = counters[found->second];
      collect(entry, "GFLOPS", own.gflops);
      collect(entry, "GB/s", own.gigabytes);
      collect(entry, "peak", own.peak);
    } catch (const Json::exception&) {
      throw FormatError(file, place, "expected name, real_time and time_unit");
    }
  }
  for (const Json& entry : json.value("refused", Json::array()))
    result.refusals.push_back({entry.value("name", ""), entry.value("error_message", "")});
  for (size_t i = 0; i < counters.size(); ++i) {
    result.list[i].gflops = median_if_any(counters[i].gflops);
    result.list[i].gigabytes = median_if_any(counters[i].gigabytes);
    result.list[i].peak = median_if_any(counters[i].peak);
  }
  return result;
}

void Merge::add(const Json& process, int repetition, const std::string& suffix) {
  for (const auto& [key, value] : process.at("context").items()) {
    if (contains(of_a_process, key)) continue;
    if (!context_.contains(key)) context_[key] = value;
    if (value.is_string() && !contains(of_the_first, key)) values_[key].push_back(value.get<std::string>());
  }
  for (Json entry : process.at("benchmarks")) {
    const std::string name = entry.at("name").get<std::string>() + suffix;
    if (entry.value("run_type", "iteration") == "aggregate") continue;
    if (refused(entry)) {
      refused_[name] = entry.value("error_message", "");
      continue;
    }
    entry["name"] = entry["run_name"] = name;
    entry["repetition_index"] = repetition;
    benchmarks_.push_back(std::move(entry));
  }
}

Json Merge::json(int repetitions) const {
  Json context = context_;
  for (const auto& [key, values] : values_) {
    std::vector<double> numbers;
    for (const std::string& value : values)  // of the three load averages the first, of the last minute
      if (const auto parsed = number(value.substr(0, value.find(' ')))) numbers.push_back(*parsed);
    if (numbers.size() == values.size() && key.starts_with("limit/")) {
      context[key] = Json(median(numbers)).dump();
    } else if (numbers.size() == values.size() && key == "load_average") {
      context[key] = Json(*std::max_element(numbers.begin(), numbers.end())).dump();
    } else {
      std::vector<std::string> different;
      for (const std::string& value : values)
        for (const std::string& part : parts(value))
          if (std::find(different.begin(), different.end(), part) == different.end())
            different.push_back(part);
      context[key] = join(different, separator);
    }
  }
  context["repetitions"] = std::to_string(repetitions);

  // Repetitions of a benchmark side by side, as one process would have written them.
  std::map<std::string, int> index;
  Json list = Json::array();
  for (const Json& entry : benchmarks_) index.emplace(entry["name"].get<std::string>(), int(index.size()));
  std::vector<Json> sorted = benchmarks_;
  std::stable_sort(sorted.begin(), sorted.end(), [&](const Json& a, const Json& b) {
    return index.at(a["name"].get<std::string>()) < index.at(b["name"].get<std::string>());
  });
  for (Json& entry : sorted) {
    const std::string name = entry["name"].get<std::string>();
    entry["family_index"] = index.at(name);
    entry["per_family_instance_index"] = 0;
    entry["repetitions"] = repetitions;
    list.push_back(std::move(entry));
  }
  Json refused = Json::array();
  for (const auto& [name, reason] : refused_) refused.push_back({{"name", name}, {"error_message", reason}});
  Json result = {{"context", context}, {"benchmarks", list}};
  if (!refused.empty()) result["refused"] = refused;
  return result;
}

}  // namespace plexus::cli

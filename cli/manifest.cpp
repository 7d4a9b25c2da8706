#include "plexus/cli/manifest.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "plexus/core/cpu.h"
#include "plexus/core/error.h"
#include "plexus/trainer/fingerprint.h"

namespace plexus::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr int format_version = 1;

Json backend_table() {
  Json table = Json::array();
  for (const BackendRow& row : backends())
    table.push_back({{"name", row.name}, {"usable", row.usable}, {"reason", row.reason}, {"file", row.file}});
  return table;
}

[[noreturn]] void fail(const std::string& path, const std::string& action) {
  throw IoError(path + ": cannot " + action + ": " + std::strerror(errno));
}

}  // namespace

Manifest make_manifest(const Context& context, const std::string& isa, const Data& data) {
  Manifest m;
  m.directory = std::filesystem::current_path().string();
  m.library_version = version();
  m.build = build_description();
  m.cpu = cpu().name;
  m.backend = context.chosen().name();
  m.isa = isa;
  m.threads = context.executor().threads();
  m.train = fingerprint(data.train);
  if (data.test) m.test = fingerprint(*data.test);
  return m;
}

void save_json(const Json& json, const std::string& path, int indent) {
  // Beside it first: a file that is there is whole.
  const std::string beside = path + ".tmp";
  std::ofstream file(beside);
  file << json.dump(indent) << '\n' << std::flush;
  file.close();
  if (!file || std::rename(beside.c_str(), path.c_str()) != 0) fail(path, "write");
}

void save_manifest(const Manifest& m, const std::string& path) {
  save_json({{"manifest_version", format_version},
             {"library_version", m.library_version},
             {"build", m.build},
             {"arguments", m.arguments},
             {"directory", m.directory},
             {"seed", m.seed},
             {"training", m.training},
             {"task", m.task},
             {"loss", m.loss},
             {"data", {{"path", m.data}, {"train", m.train}, {"test", m.test}}},
             {"cpu", m.cpu},
             {"backend", m.backend},
             {"isa", m.isa},
             {"threads", m.threads},
             {"auto", m.automatic},
             {"backends", backend_table()}},
            path, 2);
}

Manifest load_manifest(const std::string& path) {
  std::ifstream file(path);
  if (!file) fail(path, "open");
  try {
    const Json json = Json::parse(file);
    if (json.at("manifest_version") > format_version)
      throw FormatError(path, "",
                        "written by a newer Plexus, " + json.at("library_version").get<std::string>());
    Manifest m;
    json.at("arguments").get_to(m.arguments);
    json.at("directory").get_to(m.directory);
    json.at("library_version").get_to(m.library_version);
    json.at("build").get_to(m.build);
    json.at("cpu").get_to(m.cpu);
    json.at("backend").get_to(m.backend);
    json.at("isa").get_to(m.isa);
    json.at("threads").get_to(m.threads);
    m.automatic = json.value("auto", false);  // not in the first manifests
    json.at("seed").get_to(m.seed);
    json.at("training").get_to(m.training);
    m.task = json.value("task", "");
    m.loss = json.value("loss", "");
    json.at("data").at("path").get_to(m.data);
    json.at("data").at("train").get_to(m.train);
    json.at("data").at("test").get_to(m.test);
    return m;
  } catch (const Json::exception&) {
    throw FormatError(path, "", "is no manifest of a run");
  }
}

bool choose_as_before(const std::string& path, ContextOptions& options) {
  const Environment environment = Environment::resolve(options);
  if (environment.backend != auto_backend || !std::filesystem::exists(path)) return false;
  const Manifest manifest = load_manifest(path);
  if (!manifest.automatic) return false;
  options.backend = manifest.backend;
  options.threads = std::min(manifest.threads, environment.threads);
  return true;
}

}  // namespace plexus::cli

// Manifest: what a run was made of, for people and for `plexus replay`.
#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "plexus/backends/registry.h"
#include "plexus/cli/data.h"
#include "plexus/core/context.h"

namespace plexus::cli {

struct Manifest {
  std::vector<std::string> arguments;  ///< of `plexus train`, as parsed
  std::string directory;               ///< that it ran in
  std::string library_version, build, cpu, backend, isa;
  int threads = 0;
  bool automatic = false;              ///< auto chose backend and threads
  uint64_t seed = 0;
  std::string data;                    ///< DATA
  std::string train, test;             ///< fingerprints of it before it is split; test: empty where there is none
  std::string training;                ///< "10 epochs, batches of 32, ..."
  std::string task, loss;              ///< "classify" or "regress", "mse"; empty in manifests of older versions
};

/// Version, build, CPU, backend and fingerprints are filled in.
Manifest make_manifest(const Context& context, const std::string& isa, const Data& data);

/// Writes a file of JSON, on one line where `indent` is -1; what is there is whole at any time. Throws IoError.
void save_json(const nlohmann::ordered_json& json, const std::string& path, int indent = -1);

/// One JSON object, with the table of backends beside it. Throws IoError.
void save_manifest(const Manifest& manifest, const std::string& path);
/// Throws IoError, FormatError.
Manifest load_manifest(const std::string& path);

/// Where the options ask for auto, and the run of this manifest had it: names the backend and the threads that it chose then. False:
/// there is no such manifest.
bool choose_as_before(const std::string& path, ContextOptions& options);

}  // namespace plexus::cli

#include "plexus/cli/run_directory.h"

#include <filesystem>
#include <system_error>

#include "plexus/cli/trace.h"
#include "plexus/core/error.h"
#include "plexus/trainer/training_log.h"

namespace plexus::cli {

RunDirectory::RunDirectory(std::string path, bool resume) : path_(std::move(path)) {
  if (std::filesystem::exists(manifest()) && !resume)
    throw ArgumentError(path_ +
                        ": holds a run already: --resume goes on with it, or choose another directory");
  std::error_code error;
  std::filesystem::create_directories(path_, error);
  if (error) throw IoError(path_ + ": cannot make the directory: " + error.message());
}

void RunDirectory::begin(const Manifest& manifest) {
  if (!std::filesystem::exists(this->manifest())) save_manifest(manifest, this->manifest());
  for (const std::string& result : {evaluation(), plan(), first_layer()})
    std::filesystem::remove(result);
  callbacks_.push_back(std::make_unique<TrainingLog>(metrics()));
  callbacks_.push_back(std::make_unique<TraceWriter>(trace()));
}

}  // namespace plexus::cli

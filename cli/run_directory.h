// RunDirectory: all that a run leaves behind: manifest, metrics, trace, checkpoints, model, and what its report shows beside.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "plexus/cli/manifest.h"
#include "plexus/trainer/callback.h"

namespace plexus::cli {

class RunDirectory {
 public:
  /// Throws ArgumentError where there is a run already that is not to be resumed, IoError where it cannot be made.
  RunDirectory(std::string path, bool resume);
  /// One that is there, to be read.
  explicit RunDirectory(std::string path) : path_(std::move(path)) {}

  std::string manifest() const { return path_ + "/manifest.json"; }
  std::string metrics() const { return path_ + "/metrics.jsonl"; }
  std::string trace() const { return path_ + "/trace.jsonl"; }
  std::string checkpoints() const { return path_ + "/checkpoints"; }
  std::string model() const { return path_ + "/model.safetensors"; }
  std::string evaluation() const { return path_ + "/evaluation.json"; }
  std::string plan() const { return path_ + "/plan.json"; }
  std::string first_layer() const { return path_ + "/first_layer.json"; }

  /// Writes the manifest of a new run, and has the callbacks that write metrics and trace. What an earlier end of the run left,
  /// which is gone on with now, is removed.
  void begin(const Manifest& manifest);
  const std::vector<std::unique_ptr<Callback>>& callbacks() const { return callbacks_; }

 private:
  std::string path_;
  std::vector<std::unique_ptr<Callback>> callbacks_;
};

}  // namespace plexus::cli

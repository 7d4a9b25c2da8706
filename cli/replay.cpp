// plexus replay: a run over again, and whether it is the same.
#include <cstdio>
#include <filesystem>
#include <memory>

#include "plexus/cli/command.h"
#include "plexus/cli/exit_code.h"
#include "plexus/cli/flags.h"
#include "plexus/cli/interrupt.h"
#include "plexus/cli/manifest.h"
#include "plexus/cli/run_directory.h"
#include "plexus/cli/trace.h"
#include "plexus/cli/train.h"
#include "plexus/core/cpu.h"
#include "plexus/core/error.h"
#include "plexus/trainer/fingerprint.h"
#include "plexus/trainer/model_file.h"

namespace plexus::cli {
namespace {

struct ReplayOptions {
  std::string directory, data;
  BackendFlags backend;
};

/// The first parameter that the model has otherwise; empty: none.
std::string model_difference(const std::string& path, const Sequential& network) {
  const Sequential model = load_model(path);
  for (const auto& [name, entry] : model.store().entries()) {
    const bool there = network.store().contains(name);
    if (!there || !(network.store().get(name) == model.store().get(name)))
      return "model: tensor " + name + (there ? "" : " is not there");
  }
  return "";
}

class Comparison final : public Observer {
 public:
  Comparison(const RunDirectory& run, const Manifest& manifest)
      : run_(run), manifest_(manifest), trace_(load_trace(run.trace())) {}

  bool on_data(const Data& data) override {
    const auto compare = [&](const char* part, const std::string& then, const std::string& now) {
      if (then != now && difference_.empty())
        difference_ = std::string("data: ") + part + " data have the fingerprint " +
                      (now.empty() ? "none" : now) + " instead of " + (then.empty() ? "none" : then);
    };
    compare("the training", manifest_.train, fingerprint(data.train));
    compare("the test", manifest_.test, data.test ? fingerprint(*data.test) : "");
    return difference_.empty();
  }

  void on_train_begin(Sequential& network, const Progress& progress) override {
    trace_.on_train_begin(network, progress);
  }
  bool on_step(const Progress& progress) override { return trace_.on_step(progress); }

  void on_network(const Sequential& network, bool stopped) override {
    difference_ = trace_.difference();
    finished_ = !stopped;
    if (difference_.empty() && finished_ && std::filesystem::exists(run_.model())) {
      difference_ = model_difference(run_.model(), network);
      model_ = true;
    }
  }

  /// One line, and the exit code.
  int verdict() const {
    if (!difference_.empty()) {
      std::printf("differs: %s\n", difference_.c_str());
      return failed;
    }
    if (trace_.compared() == 0) throw DataError(run_.trace() + ": has no point to compare with");
    std::printf("identical: %lld points up to step %lld%s\n", (long long)trace_.compared(),
                (long long)trace_.last_step(),
                model_ ? ", and every tensor of the model" : "; the run was not finished");
    return ok;
  }

 private:
  const RunDirectory& run_;
  const Manifest& manifest_;
  TraceComparison trace_;
  std::string difference_;
  bool finished_ = false, model_ = false;
};

void note(const char* what, const std::string& then, const std::string& now) {
  if (then != now) std::printf("%s was %s and is %s now\n", what, then.c_str(), now.c_str());
}

int replay(const ReplayOptions& options) {
  const RunDirectory run(std::filesystem::absolute(options.directory).lexically_normal().string());
  const Manifest manifest = load_manifest(run.manifest());
  Comparison comparison(run, manifest);

  std::vector<std::string> arguments = manifest.arguments;
  // Later ones of the same name would be a mistake on a command line.
  const auto replace = [&](const std::string& flag, const std::string& value) {
    std::erase_if(arguments, [&](const std::string& word) { return word.starts_with(flag + "="); });
    arguments.push_back(flag + "=" + value);
  };
  const std::string backend = options.backend.name.value_or(manifest.backend);
  replace("--backend", backend);
  // What auto chose then: here it might choose something else.
  const int threads = options.backend.threads > 0 ? options.backend.threads : manifest.automatic ? manifest.threads : 0;
  if (threads > 0) replace("--threads", std::to_string(threads));
  if (options.backend.fallback) replace("--fallback", *options.backend.fallback);
  if (!options.data.empty()) arguments.front() = std::filesystem::absolute(options.data).string();
  note("the version of Plexus", manifest.library_version, version());
  note("the CPU", manifest.cpu, cpu().name);
  note("the backend", manifest.backend, backend);

  // The paths of the run are relative to where it ran.
  std::error_code ignored;
  std::filesystem::current_path(manifest.directory, ignored);
  const int code = train_again(arguments, comparison);
  return interrupted() ? code : comparison.verdict();
}

}  // namespace

Command replay_command(App& parent) {
  const auto options = std::make_shared<ReplayOptions>();
  App app = parent.add_subcommand("replay", "Repeat a run of train --run and compare, step by step");
  app.add_option("DIR", options->directory, "The directory of the run").required();
  app.add_option("--data", options->data, "Where DATA is now (default: where it was)").type_name("DATA");
  add_flags(app, options->backend);
  app.footer(
      "Prints \"identical\", or \"differs\" with the first step and tensor that are not the same (exit code "
      "1).\n\n"
      "Example:\n"
      "  plexus train iris.csv --run runs/1 && plexus replay runs/1");
  return {app, [options] { return replay(*options); }};
}

}  // namespace plexus::cli

// plexus info: what this build, this machine and this environment come to. Opens no file, starts no thread.
#include <cstdio>
#include <exception>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "plexus/cli/command.h"
#include "plexus/cli/flags.h"
#include "plexus/core/cpu.h"

namespace plexus::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  BackendFlags backend;
  bool json = false;
};

const char* state(const BackendRow& row) {
  return row.usable ? "usable" : row.built ? "unusable" : "not built";
}

void print_json(const std::optional<Environment>& environment, const std::string& error) {
  Json info = {
      {"version", version()},
      {"build", build_description()},
      {"cpu", {{"name", cpu().name}, {"architecture", cpu().architecture}, {"isa", to_string(cpu().isa)}}},
      {"backend", nullptr},
      {"isa", nullptr},
      {"threads", nullptr},
      {"backends", Json::array()},
      {"environment", Json::array()}};
  for (const BackendRow& row : backends())
    info["backends"].push_back({{"name", row.name},
                                {"description", row.description},
                                {"built", row.built},
                                {"usable", row.usable},
                                {"reason", row.reason}});
  if (environment) {
    info["backend"] = environment->backend;
    info["isa"] = to_string(environment->max_isa);
    info["threads"] = environment->threads;
    for (const Setting& setting : environment->settings)
      info["environment"].push_back(
          {{"variable", setting.variable}, {"value", setting.value}, {"origin", setting.origin}});
  } else {
    info["error"] = error;
  }
  std::puts(info.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
}

void print_text(const std::optional<Environment>& environment) {
  std::printf("build     %s\n", build_description().c_str());
  std::printf("CPU       %s (%s, %s)\n", cpu().name.c_str(), cpu().architecture.c_str(),
              to_string(cpu().isa).c_str());
  if (environment) {
    std::printf("backend   %s\n", environment->backend.c_str());
    std::printf("ISA       %s at most\n", to_string(environment->max_isa).c_str());
    std::printf("threads   %d\n", environment->threads);
  }
  std::printf("\nbackends\n");
  for (const BackendRow& row : backends()) {
    const std::string& note = row.usable ? row.description : row.reason;
    std::printf("  %-10s  %-9s  %s\n", row.name.c_str(), state(row), note.c_str());
  }
  if (!environment) return;
  std::printf("\nenvironment\n");
  for (const Setting& setting : environment->settings)
    std::printf("  %-20s  %-12s  %s\n", setting.variable.c_str(), setting.value.c_str(),
                setting.origin.c_str());
}

int info(const Options& options) {
  std::optional<Environment> environment;
  std::exception_ptr failure;
  std::string error;
  try {
    environment = Environment::resolve(context_options(options.backend));
  } catch (const std::exception& e) {  // what is known is shown all the same: it helps to mend the rest
    failure = std::current_exception();
    error = e.what();
  }
  if (options.json)
    print_json(environment, error);
  else
    print_text(environment);
  if (failure) std::rethrow_exception(failure);
  return 0;
}

}  // namespace

Command info_command(CLI::App& parent) {
  const auto options = std::make_shared<Options>();
  CLI::App* app = parent.add_subcommand("info", "Show version, CPU, backends and settings with their origin");
  add_flags(*app, options->backend);
  app->add_flag("--json", options->json, "Print one JSON object");
  return {app, [options] { return info(*options); }};
}

}  // namespace plexus::cli

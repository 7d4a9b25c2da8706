// plexus info: what this build, this machine and this environment come to. Reads no file and loads no plugin
// unless asked to.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "plexus/cli/command.h"
#include "plexus/cli/flags.h"
#include "plexus/cli/kernels.h"
#include "plexus/cli/print_json.h"
#include "plexus/core/cpu.h"
#include "plexus/core/error.h"

namespace plexus::cli {
namespace {

using Json = nlohmann::ordered_json;

struct InfoOptions {
  BackendFlags backend;
  bool load = false, kernels = false, json = false;
};

/// What is shown; gathered once, printed in one of two ways.
struct Info {
  std::optional<Environment> environment;
  std::string error;  ///< where the environment is wrong
  std::vector<BackendRow> backends;
  std::vector<Context> contexts;  ///< for --kernels, one a backend
};

const char* state(const BackendRow& row) {
  if (!row.file.empty()) return !row.usable ? "failed" : row.loaded ? "loaded" : "not loaded";
  return row.usable ? "usable" : row.built ? "unusable" : "not built";
}

Json to_json(const Info& info) {
  Json json = {
      {"version", version()},
      {"build", build_description()},
      {"cpu", {{"name", cpu().name}, {"architecture", cpu().architecture}, {"isa", to_string(cpu().isa)}}},
      {"backend", nullptr},
      {"isa", nullptr},
      {"threads", nullptr},
      {"backends", Json::array()},
      {"environment", Json::array()}};
  for (const BackendRow& row : info.backends) {
    Json object = {{"name", row.name},
                   {"description", row.description},
                   {"built", row.built},
                   {"usable", row.usable},
                   {"reason", row.reason}};
    if (!row.file.empty())
      object.update(
          {{"file", row.file}, {"loaded", row.loaded}, {"deviations", row.deviations}, {"note", row.note}});
    json["backends"].push_back(std::move(object));
  }
  if (info.environment) {
    json["backend"] = info.environment->backend;
    json["isa"] = to_string(info.environment->max_isa);
    json["threads"] = info.environment->threads;
    for (const Setting& setting : info.environment->settings)
      json["environment"].push_back(
          {{"variable", setting.variable}, {"value", setting.value}, {"origin", setting.origin}});
  } else {
    json["error"] = info.error;
  }
  if (!info.contexts.empty()) {
    for (const Kind& kind : kinds()) {
      Json row = {{"operation", kind.name}};
      for (const Context& context : info.contexts)
        row[context.chosen().name()] = support(context.chosen(), kind.spec);
      json["kernels"].push_back(std::move(row));
    }
  }
  return json;
}

void print_backends(const std::vector<BackendRow>& table) {
  int width = 10;
  for (const BackendRow& row : table) width = std::max(width, int(row.name.size()));
  std::printf("\nbackends\n");
  for (const BackendRow& row : table) {
    const std::string& note = row.usable ? row.description : row.reason;
    std::printf("  %-*s  %-10s  %s\n", width, row.name.c_str(), state(row), note.c_str());
    const auto more = [&](const char* what, const std::string& text) {
      if (!text.empty()) std::printf("  %-*s  %-10s  %s%s\n", width, "", "", what, text.c_str());
    };
    more("", row.file);
    more("deviates: ", row.deviations);
    more("", row.note);
  }
}

void print_kernels(const std::vector<Context>& contexts) {
  std::printf("\n%-44s", "kernels (f32)");
  for (const Context& context : contexts) std::printf("  %-10s", context.chosen().name().c_str());
  for (const Kind& kind : kinds()) {
    std::printf("\n  %-42s", kind.name.c_str());
    for (const Context& context : contexts) {
      const int width = std::max(10, int(context.chosen().name().size()));
      std::printf("  %-*s", width, support(context.chosen(), kind.spec).c_str());
    }
  }
  std::printf("\n");
}

void print_text(const Info& info) {
  std::printf("build     %s\n", build_description().c_str());
  std::printf("CPU       %s (%s, %s)\n", cpu().name.c_str(), cpu().architecture.c_str(),
              to_string(cpu().isa).c_str());
  if (info.environment) {
    std::printf("backend   %s\n", info.environment->backend.c_str());
    std::printf("ISA       %s at most\n", to_string(info.environment->max_isa).c_str());
    std::printf("threads   %d\n", info.environment->threads);
  }
  print_backends(info.backends);
  if (!info.contexts.empty()) print_kernels(info.contexts);
  if (!info.environment) return;
  std::printf("\nenvironment\n");
  for (const Setting& setting : info.environment->settings)
    std::printf("  %-20s  %-12s  %s\n", setting.variable.c_str(), setting.value.c_str(),
                setting.origin.c_str());
}

/// Loads every plugin there is. What goes wrong is in the table afterwards.
void load_all() {
  for (const BackendRow& row : backends()) {
    if (row.file.empty() || row.loaded || !row.usable) continue;
    try {
      load_backend(row.file);
    } catch (const BackendError&) {
    }
  }
}

/// The backends whose kernels can be looked at: those of Plexus, the plugins that are loaded, and the one
/// that was named.
std::vector<Context> contexts(const InfoOptions& options, const Environment& environment) {
  std::vector<Context> list;
  for (const BackendRow& row : backends()) {
    if (!row.usable || (!row.file.empty() && !row.loaded && row.name != environment.backend)) continue;
    ContextOptions one = context_options(options.backend);
    one.backend = row.name;
    list.push_back(make_context(one));
  }
  return list;
}

int info(const InfoOptions& options) {
  Info info;
  std::exception_ptr failure;
  try {
    if (options.load) load_all();
    info.environment = Environment::resolve(context_options(options.backend));
    if (options.kernels) info.contexts = contexts(options, *info.environment);
  } catch (const std::exception& e) {  // what is known is shown all the same: it helps to mend the rest
    failure = std::current_exception();
    info.error = e.what();
  }
  info.backends = backends();
  if (options.json)
    print_json(to_json(info));
  else
    print_text(info);
  if (failure) std::rethrow_exception(failure);
  return 0;
}

}  // namespace

Command info_command(App& parent) {
  const auto options = std::make_shared<InfoOptions>();
  App app = parent.add_subcommand("info", "Show version, CPU, backends and settings with their origin");
  add_flags(app, options->backend);
  app.add_flag("--load", options->load, "Load the plugins that were found, to see what they are");
  app.add_flag("--kernels", options->kernels, "Show which backend has which operation, f32");
  app.add_flag("--json", options->json, "Print one JSON object");
  return {app, [options] { return info(*options); }};
}

}  // namespace plexus::cli

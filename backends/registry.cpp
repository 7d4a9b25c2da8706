#include "plexus/backends/registry.h"

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <utility>

#include "plexus/backends/plugins.h"
#include "plexus/backends/reference/reference.h"
#ifdef PLEXUS_WITH_SIMD
#include "plexus/backends/simd/simd.h"
#endif
#include "plexus/core/error.h"
#include "plexus/core/profile.h"

namespace plexus {
namespace {

using Maker = std::unique_ptr<const Backend> (*)(std::shared_ptr<const Executor>, Isa);

struct Entry {
  BackendRow row;
  Maker make = nullptr;  ///< null where not usable
};

Entry not_built(std::string name, std::string description, const std::string& option) {
  return {.row = {.name = std::move(name),
                  .description = std::move(description),
                  .reason = "not built: -D" + option + "=ON"}};
}

Entry usable(std::string name, std::string description, Maker make) {
  return {.row = {.name = std::move(name),
                  .description = std::move(description),
                  .built = true,
                  .usable = true,
                  .reason = ""},
          .make = make};
}

/// To add a backend: its line here, its folder in CMakeLists.txt.
std::vector<Entry> entries() {
  std::vector<Entry> all;
#ifdef PLEXUS_WITH_SIMD
  all.push_back(usable("simd", "vector kernels for every instruction set", simd::make_backend));
#else
  all.push_back(not_built("simd", "vector kernels for every instruction set", "PLEXUS_WITH_SIMD"));
#endif
  all.push_back(not_built("onednn", "oneDNN's primitives", "PLEXUS_WITH_ONEDNN"));
  all.push_back(usable("reference", "plain loops, double accumulators",
                       [](std::shared_ptr<const Executor> executor, Isa) { return reference::make_backend(std::move(executor)); }));
  return all;
}

std::unique_ptr<const Backend> make_backend(const Environment& environment, const ContextOptions& options,
                                            std::shared_ptr<const Executor> executor) {
  for (const Entry& entry : entries())
    if (entry.row.name == environment.backend && entry.make) return entry.make(std::move(executor), environment.max_isa);
  const std::vector<BackendRow> table = backends();
  return plugins::make_backend(select(environment.backend, table),
                               {.executor = std::move(executor),
                                .sink = options.sink,
                                .verbose = environment.policies.verbose,
                                .values = {{"max_isa", to_string(environment.max_isa)},
                                           {"verbose", std::to_string(environment.policies.verbose)}}});
}

/// "available: reference; not built: simd, onednn"
std::string state_of(const std::vector<BackendRow>& table) {
  std::string available, failed, unusable, missing;
  for (const BackendRow& row : table) {
    std::string& list = row.usable ? available : !row.file.empty() ? failed : row.built ? unusable : missing;
    list += (list.empty() ? "" : ", ") + row.name;
  }
  std::string state = "available: " + (available.empty() ? "none" : available);
  if (!unusable.empty()) state += "; not usable on this CPU: " + unusable;
  if (!failed.empty()) state += "; failed: " + failed;
  if (!missing.empty()) state += "; not built: " + missing;
  return state;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; }

/// Insertions, deletions and substitutions that lead from one word to the other, upper and lower case alike
/// (Levenshtein).
size_t edit_distance(const std::string& from, const std::string& to) {
  std::vector<size_t> distance(to.size() +
                               1);  // from the letters of `from` so far to the first j letters of `to`
  std::iota(distance.begin(), distance.end(), size_t(0));
  for (size_t i = 0; i < from.size(); i++) {
    size_t diagonal = std::exchange(distance[0], i + 1);
    for (size_t j = 0; j < to.size(); j++) {
      const size_t substituted = diagonal + (lower(from[i]) != lower(to[j]));
      diagonal = distance[j + 1];
      distance[j + 1] = std::min({substituted, distance[j] + 1, diagonal + 1});
    }
  }
  return distance.back();
}

/// The name in the table that was probably meant; empty where none is near.
std::string closest(const std::string& requested, const std::vector<BackendRow>& table) {
  std::string best;
  size_t least = requested.size() / 2 + 1;  // more than every second letter wrong is another word, not a slip
  for (const BackendRow& row : table)
    if (const size_t distance = edit_distance(requested, row.name); distance < least) {
      best = row.name;
      least = distance;
    }
  return best;
}

}  // namespace

std::vector<BackendRow> backends() {
  std::vector<BackendRow> table;
  for (Entry& entry : entries()) table.push_back(std::move(entry.row));
  for (BackendRow& plugin : plugins::rows(plugins::environment_path())) {
    const auto same =
        std::find_if(table.begin(), table.end(), [&](const auto& row) { return row.name == plugin.name; });
    if (same == table.end())
      table.insert(table.end() - 1, std::move(plugin));
    else if (!same->built)
      *same = std::move(plugin);
    else
      same->note += (same->note.empty() ? "" : "; ") + ("hides " + plugin.file);
  }
  return table;
}

BackendRow load_backend(const std::string& file) {
  if (std::filesystem::path(file).stem() == auto_backend)
    throw BackendError(file + ": 'auto' stands for the fastest backend: the plugin needs another name");
  for (const Entry& entry : entries())
    if (entry.make && entry.row.name == std::filesystem::path(file).stem())
      throw BackendError(file + ": backend '" + entry.row.name +
                         "' is part of Plexus itself: the plugin needs another name");
  return plugins::load(file);
}

std::string default_backend(const std::vector<BackendRow>& table) {
  for (const BackendRow& row : table)
    if (row.name == "simd" && row.usable) return row.name;
  return "reference";
}

const BackendRow& select(const std::string& requested, const std::vector<BackendRow>& table) {
  const std::string state = " (" + state_of(table) + ")";
  if (requested.empty())
    throw BackendError("the name of the backend is empty: name one, or unset it" + state);
  for (const BackendRow& row : table) {
    if (row.name != requested) continue;
    if (row.usable) return row;
    if (!row.file.empty()) throw BackendError("backend '" + requested + "': " + row.reason + state);
    if (row.built)
      throw BackendError("backend '" + requested + "' is not usable on this CPU: " + row.reason + state);
    throw BackendError("backend '" + requested + "' is " + row.reason + state);
  }
  const std::string meant = closest(requested, table);
  throw BackendError("unknown backend '" + requested + "'" +
                     (meant.empty() ? "" : ": did you mean '" + meant + "'?") + state);
}

Context make_context(const ContextOptions& options) {
  const Environment environment = Environment::resolve(options);
  if (environment.backend == auto_backend)
    throw BackendError(
        "backend 'auto' is found by timing the steps of a training: give it to a Trainer or to plexus train, or name "
        "a backend (plexus tune finds the fastest)");
  const std::shared_ptr<Profile> profile =
      environment.profile.empty() ? nullptr : Profile::open(environment.profile);
  const auto executor = std::make_shared<const Executor>(environment.threads, profile);
  std::vector<std::unique_ptr<const Backend>> list;
  list.push_back(make_backend(environment, options, executor));
  if (environment.backend != "reference") list.push_back(reference::make_backend(executor));
  Context context(executor, std::move(list), environment.policies, options.sink, profile);
  std::string choice;
  for (const Setting& setting : environment.settings)
    choice +=
        (choice.empty() ? "" : ", ") + setting.variable + "=" + setting.value + " (" + setting.origin + ")";
  context.log(LogLevel::choice, choice);
  for (const BackendRow& row : backends())
    if (row.name == environment.backend && row.loaded)
      context.log(LogLevel::choice, "backend '" + row.name + "': " + row.description + ", " + row.file +
                                        (row.note.empty() ? "" : "; " + row.note));
  return context;
}

Context make_inference_context(ContextOptions options) {
  if (Environment::resolve(options).backend == auto_backend) options.backend = default_backend(backends());
  return make_context(options);
}

}  // namespace plexus

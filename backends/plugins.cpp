#include "plexus/backends/plugins.h"

#include <dirent.h>
#include <dlfcn.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>

#include "plexus/backends/abi/loader.h"
#include "plexus/backends/abi/marshal.h"
#include "plexus/core/error.h"

namespace plexus::plugins {
namespace {

namespace fs = std::filesystem;

/// What became of a file that was named.
struct Outcome {
  std::shared_ptr<const abi::Plugin> plugin;  ///< null: it failed
  std::string failure;
};

/// Part of the registry, which is the one mutable global.
struct Loaded {
  std::mutex mutex;
  std::vector<std::string> order;           ///< files, as they were named first
  std::map<std::string, Outcome> outcomes;  ///< by file
};
/// Never destroyed: a plugin that hangs keeps its thread, which may read it while the process ends.
Loaded& loaded() {
  static Loaded& state = *new Loaded;
  return state;
}

/// Whoever reads or changes it. A plugin that asks for backends while it is itself being loaded would wait for ever.
class Lock {
 public:
  Lock() {
    if (loading) throw BackendError("a plugin cannot ask for backends while it is being loaded");
    loaded().mutex.lock();
  }
  ~Lock() { loaded().mutex.unlock(); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

  /// On this thread, which holds the lock.
  static thread_local bool loading;
};
thread_local bool Lock::loading = false;

BackendRow row_of(const std::string& file) {
  BackendRow row;
  row.name = abi::backend_name(file);
  row.file = file;
  row.built = true;
  const auto found = loaded().outcomes.find(file);
  if (found == loaded().outcomes.end()) {
    row.usable = true;
    row.description = "a plugin, loaded when named";
    return row;
  }
  const Outcome& outcome = found->second;
  row.loaded = outcome.plugin != nullptr;
  row.description = "a plugin";
  row.reason = outcome.failure;
  if (outcome.plugin) {
    const plexus_backend& table = outcome.plugin->table;
    if (table.description && *table.description) row.description = table.description;
    if (table.version && *table.version) row.description += std::string(", ") + table.version;
    row.note = outcome.plugin->note;
    row.deviations = abi::deviations(table.deviations).describe();
    if (outcome.plugin->faulty()) row.reason = "not used any more: " + outcome.plugin->fault();
  }
  row.usable = row.reason.empty();
  return row;
}

/// The files with the name of a plugin, in a directory or given themselves; sorted.
std::vector<std::string> files_at(const std::string& place) {
  std::vector<std::string> files;
  std::error_code ignored;
  if (fs::is_directory(place, ignored)) {
    // Not fs::directory_iterator: libstdc++'s ends the process where memory is missing.
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(place.c_str()), closedir);
    while (const dirent* entry = directory ? readdir(directory.get()) : nullptr)
      if (std::string file = fs::path(place) / entry->d_name; !abi::backend_name(file).empty())
        files.push_back(std::move(file));
    std::sort(files.begin(), files.end());
  } else if (fs::exists(place, ignored) && !abi::backend_name(place).empty()) {
    files.push_back(place);
  }
  return files;
}

/// Loads a file once, and remembers what came of it. The lock is held.
const Outcome& outcome_of(const std::string& file) {
  const auto [place, fresh] = loaded().outcomes.try_emplace(file);
  Outcome& outcome = place->second;
  if (!fresh) return outcome;
  loaded().order.push_back(file);
  Lock::loading = true;
  try {
    outcome.plugin = abi::load(file);
    if (!outcome.plugin->unusable.empty())
      outcome.failure = "not usable on this machine: " + outcome.plugin->unusable;
  } catch (const std::exception& error) {
    outcome.failure = std::string("failed to load: ") + error.what();
  }
  Lock::loading = false;
  return outcome;
}

}  // namespace

std::string installed_directory() {
  const std::string folder = "plexus/backends-" + std::to_string(PLEXUS_ABI_MAJOR);
  std::error_code error;
#if defined(PLEXUS_STATIC_DEFINE)  // <prefix>/bin/program
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error) return "";
  return (program.parent_path() / ".." / PLEXUS_LIBDIR / folder).lexically_normal();
#else  // <prefix>/lib/libplexus.so
  Dl_info info;
  if (!dladdr(reinterpret_cast<const void*>(&installed_directory), &info) || !info.dli_fname) return "";
  if (info.dli_fname[0] != '/')
    return "";  // found by a relative path: the current directory decides about nothing here
  const fs::path library = fs::canonical(info.dli_fname, error);
  return error ? "" : library.parent_path() / folder;
#endif
}

std::vector<BackendRow> rows(const std::vector<std::string>& path) {
  const Lock lock;
  std::vector<std::string> files = loaded().order;
  for (const std::string& place : path)
    for (std::string& file : files_at(place)) files.push_back(std::move(file));
  for (std::string& file : files_at(installed_directory())) files.push_back(std::move(file));

  std::vector<BackendRow> table;
  for (const std::string& file : files) {
    BackendRow row = row_of(file);
    const auto same =
        std::find_if(table.begin(), table.end(), [&](const auto& r) { return r.name == row.name; });
    if (same == table.end())
      table.push_back(std::move(row));
    else if (same->file != file)
      same->note += (same->note.empty() ? "" : "; ") + ("hides " + file);
  }
  return table;
}

BackendRow load(const std::string& file) {
  const Lock lock;
  Loaded& state = loaded();
  const std::string name = abi::backend_name(file);
  if (name.empty())
    throw BackendError(file + ": not the name of a plugin: NAME.so, NAME made of letters, digits, _ and -");
  for (const auto& [other, outcome] : state.outcomes)
    if (outcome.plugin && other != file && outcome.plugin->name == name)
      throw BackendError(file + ": backend '" + name + "' is loaded already, from " + other);
  if (const auto found = state.outcomes.find(file); found != state.outcomes.end() && !found->second.plugin) {
    state.outcomes.erase(found);  // asked for again: the file may have been mended
    std::erase(state.order, file);
  }
  const Outcome& outcome = outcome_of(file);
  if (!outcome.failure.empty()) throw BackendError("backend '" + name + "': " + outcome.failure);
  return row_of(file);
}

std::unique_ptr<const Backend> make_backend(const BackendRow& row, abi::HostOptions options) {
  std::shared_ptr<const abi::Plugin> plugin;
  {
    const Lock lock;
    const Outcome& outcome = outcome_of(row.file);
    if (!outcome.failure.empty()) throw BackendError("backend '" + row.name + "': " + outcome.failure);
    plugin = outcome.plugin;
  }
  return abi::make_backend(std::move(plugin), std::move(options));
}

}  // namespace plexus::plugins

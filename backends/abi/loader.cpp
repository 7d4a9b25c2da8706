#include "plexus/backends/abi/loader.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <filesystem>

#include "plexus/backends/abi/file_check.h"
#include "plexus/backends/abi/process_state.h"
#include "plexus/backends/abi/wait_policy.h"
#include "plexus/core/error.h"

namespace plexus::abi {
namespace {

constexpr const char* entry_symbol = "plexus_backend_open_v1";
/// Up to here a table has all that is required.
constexpr size_t required_size = offsetof(plexus_backend, workspace);

void* find_entry(const std::string& file, void* library) {
  if (void* entry = dlsym(library, entry_symbol)) return entry;
  for (int major = PLEXUS_ABI_MAJOR + 1; major < PLEXUS_ABI_MAJOR + 10; major++)
    if (dlsym(library, ("plexus_backend_open_v" + std::to_string(major)).c_str()))
      refuse(file, "made for version " + std::to_string(major) +
                       " of the backend ABI, this Plexus has version " + std::to_string(PLEXUS_ABI_MAJOR) +
                       ": build the plugin against this Plexus, or update Plexus");
  refuse(file, std::string("not a plugin of Plexus: it does not export ") + entry_symbol);
}

plexus_backend open_table(const std::string& file, void* library) {
  const auto open = reinterpret_cast<plexus_backend_open_function>(find_entry(file, library));
  const Host host;
  const plexus_backend* table = nullptr;
  clear_error();
  try {
    table = open(host.c());
  } catch (const std::exception& error) {
    refuse(file, std::string("threw an exception while it opened: ") + error.what());
  } catch (...) {
    refuse(file, "threw an exception while it opened");
  }
  if (!table) {
    const std::string said = take_error();
    refuse(file, said.empty() ? "returned no backend, and did not say why" : said);
  }
  if (table->struct_size >= offsetof(plexus_backend, minor) && table->major != PLEXUS_ABI_MAJOR)
    refuse(file, "made for version " + std::to_string(table->major) +
                     " of the backend ABI, this Plexus has version " + std::to_string(PLEXUS_ABI_MAJOR) +
                     ": build the plugin against this Plexus, or update Plexus");
  if (table->struct_size < required_size)
    refuse(file, "its table has " + std::to_string(table->struct_size) + " bytes, at least " +
                     std::to_string(required_size) + " are required");
  plexus_backend known{};
  std::memcpy(&known, table, std::min<size_t>(table->struct_size, sizeof known));

  const std::pair<const char*, bool> required[] = {{"name", known.name},       {"create", known.create},
                                                   {"destroy", known.destroy}, {"takes", known.takes},
                                                   {"prepare", known.prepare}, {"run", known.run},
                                                   {"release", known.release}};
  for (const auto& [member, there] : required)
    if (!there) refuse(file, std::string("its table lacks '") + member + "', which is required");
  return known;
}

/// `note`: what there is to know about the way it was loaded.
void* open_library(const std::string& file, std::string& note) {
  const PassiveWait waiting;
  // Never closed: a library may have started threads, or keep functions that run when its threads end.
  void* library = nullptr;
  try {
    library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  } catch (...) {
    refuse(file, "threw an exception while it loaded");
  }
  if (library) {
    note = waiting.note(library);
    return library;
  }
  const char* text = dlerror();
  const std::string problem = text ? text : "does not load";
  throw BackendError(problem.starts_with(file) ? problem : file + ": " + problem);
}

/// Why the plugin does not run on this machine; "" where it does.
std::string unusable(const std::string& file, const plexus_backend& table) {
  if (!table.score) return "";
  const Host host;
  clear_error();
  try {
    if (table.score(host.c()) > 0) return "";
  } catch (...) {
    refuse(file, "threw an exception when asked for its score");
  }
  const std::string said = take_error();
  return said.empty() ? "it does not say why" : said;
}

}  // namespace

std::string backend_name(const std::string& file) {
  const std::filesystem::path path(file);
  if (path.extension() != ".so") return "";
  const std::string name = path.stem();
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return std::all_of(name.begin(), name.end(), allowed) ? name : "";
}

std::shared_ptr<const Plugin> load(const std::string& file) {
  const std::string name = backend_name(file);
  const std::string itself = checked_file(file);
  ProcessState before;
  std::shared_ptr<Plugin> plugin;
  try {
    std::string note;
    plugin = std::make_shared<Plugin>(itself, open_table(file, open_library(itself, note)));
    plugin->note = note;
    if (plugin->name != name)
      refuse(file, "says that it is backend '" + plugin->name + "': its file must be named " + plugin->name +
                       ".so");
    plugin->unusable = unusable(file, plugin->table);
  } catch (...) {
    before.restore();
    throw;
  }
  if (const std::string changed = before.restore(); !changed.empty())
    plugin->note +=
        (plugin->note.empty() ? "" : "; ") + ("changed while it loaded, put back since: " + changed);
  return plugin;
}

}  // namespace plexus::abi

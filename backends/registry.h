// Registry: the one list of all backends, built or not, and the one place that reads the environment.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "plexus/core/context.h"
#include "plexus/core/cpu.h"
#include "plexus/export.h"

namespace plexus {

/// A row of the table of backends.
struct BackendRow {
  std::string name = {};    ///< "reference", "simd", "onednn"
  std::string description = {};  ///< "plain loops, double accumulators"
  bool built = false;
  bool usable = false;      ///< built, and this CPU can run it
  std::string reason = {};  ///< why not: "not built: -DPLEXUS_WITH_SIMD=ON"; empty where usable
  std::string file = {};    ///< of a plugin; empty: linked into the library
  bool loaded = false;      ///< of a plugin: false until somebody names it
  std::string deviations = {};  ///< of a plugin that is loaded: what it declares not to keep of docs/semantics.md
  std::string note = {};    ///< what else there is to know: another file of this name, what loading did and was undone
};

/// All backends, the fastest first, plugins behind those of Plexus, the reference last. Loads nothing.
PLEXUS_EXPORT std::vector<BackendRow> backends();

/// Loads a plugin: `file` is an absolute path, /somewhere/NAME.so is backend NAME. It is there for the whole process from then
/// on, and never unloaded. A plugin is trusted code: it can do what this process can. Throws BackendError where the file is
/// not safe (it, its directory or one above is writable by everybody), is not a plugin, does not load, is not usable on this
/// machine, or where the name is taken; the reason stays in the table.
PLEXUS_EXPORT BackendRow load_backend(const std::string& file);

/// The backend of those who name none: simd where usable, else reference. The others run only when named.
PLEXUS_EXPORT std::string default_backend(const std::vector<BackendRow>& table);

/// The row that `requested` names. A pure function of its arguments. Throws BackendError for an empty name, an unknown one
/// (with the closest match), one that is not built, one that this CPU cannot run; the message holds the table's state.
PLEXUS_EXPORT const BackendRow& select(const std::string& requested, const std::vector<BackendRow>& table);

/// The name that a Trainer takes for: the fastest, found by timing its steps. No backend is called so.
inline constexpr const char* auto_backend = "auto";

/// One setting and where it comes from.
struct Setting {
  std::string variable;  ///< "PLEXUS_BACKEND"
  std::string value;     ///< as resolved
  std::string origin;    ///< "argument", "environment", "default"
};

/// Arguments override the environment; what is not given is taken from it, else from the default.
struct ContextOptions {
  std::string backend = {};     ///< a name; empty: PLEXUS_BACKEND, else simd where usable, else reference; "auto": for a Trainer
  int threads = 0;              ///< 0: PLEXUS_NUM_THREADS, else Executor::available_threads()
  std::optional<Fallback> fallback = {};  ///< absent: PLEXUS_FALLBACK, else warn
  std::optional<Check> check = {};        ///< absent: PLEXUS_CHECK, else none
  int64_t check_interval = 1000;          ///< with a check of Check::sample: one in so many runs of a kernel
  std::optional<std::string> profile = {};  ///< a file for what takes how long; "": none; absent: PLEXUS_PROFILE, else none
  LogSink sink = stderr_sink();
};

/// The environment, resolved and validated. Throws ArgumentError (an invalid value; the message lists the valid ones) or
/// BackendError. A variable that an argument overrides is not looked at. Starts no thread, reads no file, loads no plugin.
/// `lookup` replaces getenv in tests (null means unset), `machine` the CPU.
struct PLEXUS_EXPORT Environment {
  std::string backend;
  int threads = 1;
  Isa max_isa = Isa::scalar;
  Policies policies;
  std::string profile;            ///< a file; empty: none
  std::vector<Setting> settings;  ///< every variable that Plexus knows, in the order of the documentation

  using Lookup = std::function<const char*(const char*)>;
  static Environment resolve(const ContextOptions& options = {});
  static Environment resolve(const ContextOptions& options, const Lookup& lookup, const Cpu& machine = cpu());
};

/// A context with the chosen backend first and the reference last. Throws as Environment::resolve; BackendError for "auto", which only
/// a Trainer can choose; IoError where the profile cannot be written.
PLEXUS_EXPORT Context make_context(const ContextOptions& options = {});
/// The same for who does not train: "auto" is the default backend.
PLEXUS_EXPORT Context make_inference_context(ContextOptions options = {});

/// Where choices of "auto" are kept: XDG_CACHE_HOME/plexus, else HOME/.cache/plexus. Empty: neither is an absolute path, or the
/// process runs set-uid.
PLEXUS_EXPORT std::string cache_directory();

}  // namespace plexus

// Adapter: a plugin as a Backend of this process.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "plexus/backends/abi/host.h"
#include "plexus/core/backend.h"
#include "plexus/core/fork.h"

namespace plexus::abi {

/// A plugin that is loaded: it stays until the process ends.
class Plugin {
 public:
  /// `table`: what this host knows of the plugin's own, the rest null.
  Plugin(std::string file, const plexus_backend& table) : file(std::move(file)), table(table), name(table.name) {}

  const std::string file;
  const plexus_backend table;
  const std::string name;
  const uint64_t forks = plexus::forks();  ///< when it was loaded
  std::string note;      ///< what loading it did to the process and was undone, how its threads wait
  std::string unusable;  ///< why it does not run on this machine; "" where it does

  /// Its threads stayed behind when fork() made this process.
  bool orphaned() const { return (table.flags & PLEXUS_BACKEND_OWN_THREADS) && forks != plexus::forks(); }
  /// Throws BackendError where nobody may call it.
  void require_sound() const;

  /// Why it is not to be used any more; "" while it is sound.
  std::string fault() const;
  /// Remembers the first.
  void set_fault(const std::string& reason) const;
  bool faulty() const { return faulty_.load(std::memory_order_relaxed); }

 private:
  mutable std::atomic<bool> faulty_ = false;
  mutable std::mutex mutex_;
  mutable std::string fault_;
};

/// An instance of it for one context. Throws BackendError where it cannot be made.
std::unique_ptr<const Backend> make_backend(std::shared_ptr<const Plugin> plugin, HostOptions options);

}  // namespace plexus::abi

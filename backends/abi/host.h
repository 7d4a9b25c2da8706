// Host: what Plexus does for a plugin, behind the C ABI.
#pragma once
#include <map>
#include <memory>
#include <string>

#include "plexus/backends/abi/plexus_backend.h"
#include "plexus/core/executor.h"
#include "plexus/core/log.h"

namespace plexus::abi {

/// What a context gives to the backends that it loads.
struct HostOptions {
  std::shared_ptr<const Executor> executor;    ///< null: loops run on the caller
  LogSink sink = {};
  int verbose = 0;
  std::map<std::string, std::string> values = {};  ///< what plexus_host.option answers
};

/// The services for one instance, or (without options) for loading. Does not move: plugins keep its address.
class Host {
 public:
  explicit Host(HostOptions options = {});
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  const plexus_host* c() const { return &c_; }

 private:
  static const Host& self(void* pointer) { return *static_cast<const Host*>(pointer); }
  static int32_t threads(void* pointer);
  static plexus_status parallel_for(void* pointer, int64_t count, int64_t grain,
                                    plexus_status (*body)(void*, int64_t, int64_t), void* argument);
  static void log(void* pointer, int32_t level, const char* line);
  static const char* option(void* pointer, const char* name);

  HostOptions options_;
  plexus_host c_;
};

/// Forgets, and takes, what plexus_host.error was told on this thread: "" where nothing.
void clear_error();
std::string take_error();

}  // namespace plexus::abi

#include "plexus/backends/abi/wait_policy.h"

#include <dlfcn.h>

#include <cstdlib>

namespace plexus::abi {
namespace {

constexpr const char* variable = "OMP_WAIT_POLICY";

bool loaded(const char* library) {
  void* handle = dlopen(library, RTLD_LAZY | RTLD_NOLOAD);
  if (handle) dlclose(handle);  // the reference that dlopen has just added
  return handle != nullptr;
}

}  // namespace

PassiveWait::PassiveWait() : given_(given_wait_policy()), was_there_(loaded("libgomp.so.1")) {
  if (given_.empty() && !was_there_) set_ = setenv(variable, "passive", 0) == 0;
}

PassiveWait::~PassiveWait() {
  if (set_) unsetenv(variable);
}

std::string PassiveWait::note(void* library) const {
  if (set_ || !dlsym(library, "GOMP_parallel")) return "";
  if (!given_.empty()) return "its OpenMP threads wait as " + given_ + " says";
  return "its OpenMP threads wait as those that were there before: they may spin against those of Plexus "
         "(OMP_WAIT_POLICY=passive forbids it)";
}

}  // namespace plexus::abi

// A plugin that asks Plexus for another plugin, and for the table, while it is itself being loaded.
#include <plexus/backends/abi/plexus_backend.h>

#include "plexus/backends/registry.h"

extern "C" PLEXUS_PLUGIN_EXPORT const plexus_backend* plexus_backend_open_v1(const plexus_host*) {
  plexus::backends();
  return nullptr;
}

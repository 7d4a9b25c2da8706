// Loader: from a file to a plugin.
#pragma once
#include <memory>
#include <string>

#include "plexus/backends/abi/adapter.h"

namespace plexus::abi {

/// Loads `file`, an absolute path with the name of a plugin, for as long as the process lives. Throws BackendError, whose message starts with the file.
/// What loading changes for the whole process (ProcessState) is put back either way.
std::shared_ptr<const Plugin> load(const std::string& file);

/// The name of the backend that a file holds: "/x/mine.so" holds "mine". Empty where it is no name of a plugin.
std::string backend_name(const std::string& file);

}  // namespace plexus::abi

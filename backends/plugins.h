// Plugins: the files that were found, what became of those that somebody named, and the kernels of these.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "plexus/backends/abi/host.h"
#include "plexus/backends/registry.h"

namespace plexus::plugins {

/// Where PLEXUS_BACKEND_PATH points: absolute directories and files, in order. Empty where the process runs set-uid.
/// `problem`: what is wrong with an entry, which is then left out; "" where nothing is.
std::vector<std::string> environment_path(const Environment::Lookup& lookup, std::string& problem);
/// The same of this process; entries that are not valid are left out.
std::vector<std::string> environment_path();

/// Where installed plugins lie: plexus/backends-1 beside libplexus; where that is part of the program, in lib beside its bin.
std::string installed_directory();

/// A row for every plugin: those loaded by load_backend(), those on `path`, those that are installed. Loads nothing.
std::vector<BackendRow> rows(const std::vector<std::string>& path);

/// Loads a file. Throws BackendError; the reason stays in the row, unless the name belongs to another plugin that is loaded.
BackendRow load(const std::string& file);

/// An instance of the plugin of this row, which is loaded where it is not yet. Throws BackendError.
std::unique_ptr<const Backend> make_backend(const BackendRow& row, abi::HostOptions options);

}  // namespace plexus::plugins

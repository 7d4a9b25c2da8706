// File check: whether a file may be loaded, and whether it can be, before anything in it runs.
#pragma once
#include <string>

namespace plexus::abi {

/// Throws BackendError: the file, and what is wrong with it.
[[noreturn]] void refuse(const std::string& file, const std::string& problem);

/// The file itself, all links followed. Throws BackendError, whose message starts with the file: it is not absolute, missing,
/// not a regular file; it, its directory or (without the sticky bit) one above is writable by everybody; it is no shared
/// object for this machine, or cut off.
std::string checked_file(const std::string& file);

}  // namespace plexus::abi

#include "plexus/io/directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "plexus/core/error.h"
#include "plexus/io/file.h"

namespace plexus::io {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, const std::string& problem) {
  throw IoError(path.string() + ": " + problem);
}

[[noreturn]] void fail(const fs::path& path, const std::string& action, int error) {
  fail(path, "cannot " + action + ": " + std::generic_category().message(error));
}

// A folder that is made is an entry in the one above: without this it may be gone after a power cut, with all
// in it.
void synchronise(const fs::path& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;  // one that may be written to but not read
  fsync(descriptor);
  close(descriptor);
}

void make(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return;
  const fs::path parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
  if (path.has_parent_path() && parent != path) make(parent);
  if (mkdir(path.c_str(), 0777) != 0 && errno != EEXIST) fail(path, "make the directory", errno);
  synchronise(parent);
}

}  // namespace

Directory::Directory(const std::string& path) : path_(path) {
  while (path_.size() > 1 && path_.back() == '/') path_.pop_back();
  make(path_);
  descriptor_ = open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor_ < 0) fail(path_, "open the directory", errno);
  const bool locked = flock(descriptor_, LOCK_EX | LOCK_NB) == 0;
  const int error = errno;
  try {
    // Not every file system has locks; those that have none are not at fault.
    if (!locked && error == EWOULDBLOCK)
      fail(path_, "another run writes to this directory: wait for it, or choose another");
    if (access(path_.c_str(), W_OK) != 0) fail(path_, "write to the directory", errno);
    for (const std::string& name : names())
      if (name.starts_with(temporary_prefix) && name.ends_with(temporary_suffix)) remove(name);
  } catch (...) {
    close(descriptor_);
    throw;
  }
}

Directory::~Directory() { close(descriptor_); }

std::vector<std::string> Directory::names() const {
  std::vector<std::string> result;
  std::error_code error;
  for (fs::directory_iterator entry(path_, error), end; !error && entry != end; entry.increment(error))
    result.push_back(entry->path().filename().string());
  if (error) fail(path_, "read the directory", error.value());
  std::sort(result.begin(), result.end());
  return result;
}

void Directory::remove(const std::string& name) const { unlink(path(name).c_str()); }

}  // namespace plexus::io

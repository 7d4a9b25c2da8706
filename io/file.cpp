#include "plexus/io/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "plexus/core/error.h"

namespace plexus::io {
namespace {

// The kernel transfers at most 2 GiB - 4 KiB a call; a round number below it.
constexpr size_t max_transfer = size_t(1) << 30;
// Files smaller than this are read whatever they are made of: holes of this size harm nobody.
constexpr uint64_t harmless = uint64_t(64) << 20;

[[noreturn]] void fail(const std::string& path, const std::string& action, int error) {
  throw IoError(path + ": cannot " + action + ": " + std::generic_category().message(error));
}

// Calls again where a signal came in between.
template <class Function>
auto retry(const Function& function) {
  decltype(function()) result;
  do result = function();
  while (result < 0 && errno == EINTR);
  return result;
}

std::string kind(mode_t mode) {
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

void require_regular(const std::string& path, const std::string& action, mode_t mode) {
  if (S_ISDIR(mode)) fail(path, action, EISDIR);
  if (!S_ISREG(mode)) throw IoError(path + ": cannot " + action + ": it is " + kind(mode) + ", not a file");
}

// Bytes of a file that are not in holes. Takes one step for each stretch of data that is really there.
uint64_t stored_bytes(int descriptor, uint64_t size) {
  uint64_t stored = 0;
  for (off_t at = 0; uint64_t(at) < size;) {
    const off_t data = lseek(descriptor, at, SEEK_DATA);
    if (data < 0) {
      if (errno != ENXIO) stored = size;  // a file system that cannot tell
      break;
    }
    at = lseek(descriptor, data, SEEK_HOLE);
    if (at <= data) {
      stored = size;
      break;
    }
    stored += uint64_t(at - data);
  }
  lseek(descriptor, 0, SEEK_SET);
  return stored;
}

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  operator int() const { return value_; }
  int release() { return std::exchange(value_, -1); }
  int close() { return ::close(release()); }

 private:
  int value_;
};

// Removes a file again unless it was kept.
class Temporary {
 public:
  // A name of its own, not one made from the target's, which may already be as long as names can be.
  explicit Temporary(const std::filesystem::path& directory) {
    static std::atomic<uint64_t> counter{0};
    for (int attempt = 0; attempt < 100;
         ++attempt) {  // names left by a killed process with our number are few
      name = directory / (std::string(temporary_prefix) + std::to_string(getpid()) + "-" +
                          std::to_string(counter++) + std::string(temporary_suffix));
      descriptor = retry([&] { return open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); });
      if (descriptor >= 0 || errno != EEXIST) return;
    }
  }
  ~Temporary() {
    if (descriptor >= 0 && !kept) unlink(name.c_str());
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;

  std::filesystem::path name;
  int descriptor = -1;
  bool kept = false;
};

// Not every file system can synchronise; those that say so are not at fault.
bool synchronised(int descriptor) {
  return retry([&] { return fsync(descriptor); }) == 0 || errno == EINVAL || errno == ENOTSUP;
}

}  // namespace

InputFile::InputFile(const std::string& path) : path_(path) {
  // Without O_NONBLOCK, opening a pipe would wait for a writer.
  descriptor_ = retry([&] { return open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY); });
  if (descriptor_ < 0) fail(path, "open", errno);
  Descriptor guard(descriptor_);
  struct stat status;
  if (fstat(guard, &status) != 0) fail(path, "read", errno);
  require_regular(path, "read", status.st_mode);
  size_ = left_ = uint64_t(status.st_size);
  if (size_ > harmless) {
    const uint64_t stored = stored_bytes(guard, size_);
    if (stored < size_ / max_ratio)
      throw FormatError(path, "",
                        "of its " + std::to_string(size_) + " bytes only " + std::to_string(stored) +
                            " are there, the rest is a hole");
  }
  guard.release();
}

InputFile::~InputFile() { ::close(descriptor_); }

size_t InputFile::read(void* out, size_t bytes) {
  size_t done = 0;
  while (done < bytes) {
    const size_t part = std::min(bytes - done, max_transfer);
    const ssize_t n = retry([&] { return ::read(descriptor_, static_cast<char*>(out) + done, part); });
    if (n < 0) fail(path_, "read", errno);
    if (n == 0) break;
    done += size_t(n);
  }
  left_ -= std::min<uint64_t>(left_, done);
  return done;
}

std::string InputFile::place(uint64_t offset) const { return "byte " + std::to_string(offset); }

std::string InputFile::read_rest() {
  std::string text;
  size_t length = 0;
  do {  // one byte more than the file claims, so that the usual case sees its end at once
    text.resize(std::max<size_t>(length + left_ + 1, 2 * length));
    length += read(text.data() + length, text.size() - length);
  } while (length == text.size());
  text.resize(length);
  return text;
}

void InputFile::rewind() {
  if (lseek(descriptor_, 0, SEEK_SET) != 0) fail(path_, "read", errno);
  left_ = size_;
}

void write_file(const std::string& path, std::span<const std::string_view> parts) {
  namespace fs = std::filesystem;
  struct stat status;
  const bool replaces = stat(path.c_str(), &status) == 0;
  if (replaces) require_regular(path, "write", status.st_mode);
  std::error_code ignored;
  fs::path target = replaces ? fs::canonical(path, ignored) : fs::path(path);
  if (target.empty()) target = path;
  const fs::path directory = target.has_parent_path() ? target.parent_path() : fs::path(".");

  Temporary temporary(directory);
  if (temporary.descriptor < 0) fail(path, "write", errno);
  Descriptor out(temporary.descriptor);
  if (replaces && fchmod(out, status.st_mode & 07777) != 0) fail(path, "write", errno);
  for (std::string_view part : parts) {
    while (!part.empty()) {
      const size_t size = std::min(part.size(), max_transfer);
      const ssize_t n = retry([&] { return ::write(out, part.data(), size); });
      if (n < 0) fail(path, "write", errno);
      part.remove_prefix(size_t(n));
    }
  }
  // The content must be on disk before the name is, or a power cut leaves an empty file under the name.
  if (!synchronised(out) || out.close() != 0) fail(path, "write", errno);
  if (rename(temporary.name.c_str(), target.c_str()) != 0) fail(path, "write", errno);
  temporary.kept = true;
  Descriptor folder(retry([&] { return open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (folder >= 0 && !synchronised(folder)) fail(path, "write", errno);
}

}  // namespace plexus::io

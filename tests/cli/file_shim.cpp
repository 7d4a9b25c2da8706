// What a disk, a full disk, a broken disk or a kill does to a process that writes files: preloaded
// (LD_PRELOAD), it stands between the process and everything that it changes below SHIM_DIR. Each open that
// creates, write, fsync, rename, unlink and mkdir there is an operation, counted from 0.
//   SHIM_LOG=FILE      what was done, for who replays it: records of operation, path, second path or bytes
//   SHIM_KILL=N        SIGKILL before (N even) or after (N odd) operation N / 2
//   SHIM_FAIL=N        operation N fails with SHIM_ERRNO; with SHIM_ALWAYS=1 all that follow as well
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>

namespace {

long number(const char* variable) {
  const char* text = getenv(variable);
  return text ? atol(text) : -1;
}

bool below(const std::string& path) {
  const char* directory = getenv("SHIM_DIR");
  return directory && path.compare(0, strlen(directory), directory) == 0;
}

std::string path_of(int descriptor) {
  char path[4096];
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  const ssize_t length = readlink(link.c_str(), path, sizeof path);
  return std::string(path, length > 0 ? size_t(length) : 0);
}

void log(char operation, const std::string& path, const std::string& more) {
  const char* file = getenv("SHIM_LOG");
  if (!file) return;
  const std::string record =
      std::string(1, operation) + " " + path + "\n" + std::to_string(more.size()) + "\n" + more;
  const int descriptor = int(syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND, 0644));
  syscall(SYS_write, descriptor, record.data(), record.size());
  syscall(SYS_close, descriptor);
}

long counter = 0;

// Runs the operation where nothing is to go wrong with it.
template <class Call>
auto operate(char name, const std::string& path, const std::string& more, const Call& call)
    -> decltype(call()) {
  if (!below(path)) return call();
  const long operation = counter++;
  if (number("SHIM_KILL") == 2 * operation) kill(getpid(), SIGKILL);
  const long fail = number("SHIM_FAIL");
  if (fail == operation || (fail >= 0 && fail <= operation && number("SHIM_ALWAYS") == 1)) {
    errno = int(number("SHIM_ERRNO"));
    return -1;
  }
  const auto result = call();
  if (result >= 0) log(name, path, more);
  if (number("SHIM_KILL") == 2 * operation + 1) kill(getpid(), SIGKILL);
  return result;
}

std::string absolute(const char* path) {
  if (path[0] == '/') return path;
  char directory[4096];
  return std::string(getcwd(directory, sizeof directory)) + "/" + path;
}

int open_file(const char* path, int flags, mode_t mode) {
  const auto call = [&] { return int(syscall(SYS_openat, AT_FDCWD, path, flags, mode)); };
  return flags & O_CREAT ? operate('c', absolute(path), "", call) : call();
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return open_file(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return open_file(path, flags, mode);
}

ssize_t write(int descriptor, const void* bytes, size_t count) {
  return operate('w', path_of(descriptor), std::string(static_cast<const char*>(bytes), count),
                 [&] { return ssize_t(syscall(SYS_write, descriptor, bytes, count)); });
}

int fsync(int descriptor) {
  return operate('s', path_of(descriptor), "", [&] { return int(syscall(SYS_fsync, descriptor)); });
}

int rename(const char* from, const char* to) {
  return operate('r', absolute(from), absolute(to),
                 [&] { return int(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0)); });
}

int unlink(const char* path) {
  return operate('u', absolute(path), "", [&] { return int(syscall(SYS_unlinkat, AT_FDCWD, path, 0)); });
}

int mkdir(const char* path, mode_t mode) {
  return operate('m', absolute(path), "", [&] { return int(syscall(SYS_mkdirat, AT_FDCWD, path, mode)); });
}
}
#pragma GCC visibility pop

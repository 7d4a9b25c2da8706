#include "cli/command.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>
#include <thread>

#include "cli/files.h"

extern char** environ;

namespace plexus::test {
namespace {

std::string temporary_file() {
  std::string path = testing::TempDir() + "plexus_cli_XXXXXX";
  const int file = mkstemp(path.data());
  if (file < 0) throw std::runtime_error("mkstemp");
  close(file);
  return path;
}

bool inherited(const std::string& entry) {
  for (const char* prefix :
       {"PLEXUS_", "NO_COLOR=", "FORCE_COLOR=", "CLICOLOR_FORCE=", "COLORTERM=", "TERM=", "LC_", "LANG"})
    if (entry.starts_with(prefix)) return false;
  return true;
}

std::vector<std::string> environment(const Variables& variables) {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry; ++entry)
    if (inherited(*entry) && !variables.count(std::string(*entry).substr(0, std::string(*entry).find('='))))
      entries.push_back(*entry);
  for (const auto& [name, value] : variables) entries.push_back(name + "=" + value);
  return entries;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (std::string& string : strings) result.push_back(string.data());
  result.push_back(nullptr);
  return result;
}

}  // namespace

Process::Process(const Arguments& arguments, const Variables& variables, bool terminal, const std::string& command)
    : out_file_(temporary_file()), err_file_(temporary_file()) {
  std::string err = err_file_;
  if (terminal) {
    terminal_ = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal_ < 0 || grantpt(terminal_) != 0 || unlockpt(terminal_) != 0)
      throw std::runtime_error("no pseudo-terminal to be had: mount devpts at /dev/pts");
    const winsize size{.ws_row = 24, .ws_col = 100, .ws_xpixel = 0, .ws_ypixel = 0};
    ioctl(terminal_, TIOCSWINSZ, &size);
    err = ptsname(terminal_);
  }
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, out_file_.c_str(), O_WRONLY | O_TRUNC, 0600);
  posix_spawn_file_actions_addopen(&files, 2, err.c_str(), O_WRONLY | O_NOCTTY, 0600);
  // Signals may be ignored by who runs the tests (nohup, a shell's background job): the command starts with
  // the defaults.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGINT);
  sigaddset(&defaults, SIGTERM);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);

  std::vector<std::string> words = {command};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> entries = environment(variables);
  const int error = posix_spawn(&pid_, command.c_str(), &files, &attributes, pointers(words).data(),
                                pointers(entries).data());
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) throw std::runtime_error("posix_spawn " + command);
}

Process::~Process() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (terminal_ >= 0) close(terminal_);
  unlink(out_file_.c_str());
  unlink(err_file_.c_str());
}

void Process::signal(int number) const { kill(pid_, number); }

void Process::wait_for(const std::string& text) const {
  for (int i = 0; i < 600; ++i) {
    if ((read_file(out_file_) + read_file(err_file_)).find(text) != std::string::npos) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

Result Process::wait() {
  Result result;
  if (terminal_ >= 0) {  // a terminal holds only a few kB: read it while the command runs, until it closes it
    char buffer[4096];
    for (ssize_t count; (count = read(terminal_, buffer, sizeof buffer)) > 0;)
      result.err.append(buffer, size_t(count));
  }
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  result.code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  result.out = read_file(out_file_);
  if (terminal_ < 0) result.err = read_file(err_file_);
  return result;
}

Result run(const Arguments& arguments, const Variables& variables) {
  return Process(arguments, variables).wait();
}

}  // namespace plexus::test

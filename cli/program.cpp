#include "plexus/cli/program.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "plexus/cli/exit_code.h"
#include "plexus/cli/interrupt.h"

extern char** environ;

namespace plexus::cli {
namespace {

// How long a running program is left alone: at first short, for programs that are done at once, then rarely
// enough not to be seen in what it measures and often enough for Ctrl-C.
constexpr auto first_wait = std::chrono::milliseconds(1), longest_wait = std::chrono::milliseconds(64);

std::vector<std::string> environment(const Program& program) {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry; ++entry) {
    const std::string text = *entry;
    if (!program.environment.count(text.substr(0, text.find('=')))) entries.push_back(text);
  }
  for (const auto& [name, value] : program.environment)
    if (value) entries.push_back(name + "=" + *value);
  return entries;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (std::string& string : strings) result.push_back(string.data());
  result.push_back(nullptr);
  return result;
}

pid_t start(const Program& program) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  const auto redirect = [&](int stream, const std::string& path) {
    if (!path.empty())
      posix_spawn_file_actions_addopen(&files, stream, path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  };
  redirect(1, program.out);
  redirect(2, program.err);
  std::vector<std::string> words = program.arguments, entries = environment(program);
  pid_t pid = -1;
  const int error = posix_spawnp(&pid, words.front().c_str(), &files, nullptr, pointers(words).data(),
                                 pointers(entries).data());
  posix_spawn_file_actions_destroy(&files);
  if (error != 0) throw IoError(program.arguments.front() + ": cannot start: " + std::strerror(error));
  return pid;
}

}  // namespace

std::string libexec(const std::string& name) {
  const std::filesystem::path command = std::filesystem::read_symlink("/proc/self/exe");
  return (command.parent_path() / PLEXUS_BIN_TO_LIBEXEC / name).lexically_normal();
}

int run(const Program& program) {
  const pid_t pid = start(program);
  bool told = false;
  for (auto wait = first_wait;; wait = std::min(2 * wait, longest_wait)) {
    int status = 0;
    if (waitpid(pid, &status, WNOHANG) == pid)
      return WIFEXITED(status) ? WEXITSTATUS(status) : signalled + WTERMSIG(status);
    if (interrupted() && !told) told = kill(pid, SIGTERM) == 0;
    std::this_thread::sleep_for(wait);
  }
}

std::string last_line(const std::string& path) {
  std::ifstream file(path);
  std::string line, last;
  while (std::getline(file, line))
    if (!line.empty()) last = line;
  return last;
}

}  // namespace plexus::cli

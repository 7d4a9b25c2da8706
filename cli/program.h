// Program: what lies beside the command in libexec, and other programs, started and waited for.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "plexus/core/error.h"

namespace plexus::cli {

/// An optional part that is not here. The message names what to install or to build.
class MissingPart : public Error {
 public:
  using Error::Error;
};

/// The path of a file in libexec/plexus, found beside the running command, wherever the tree has been moved. It need not exist.
std::string libexec(const std::string& name);

struct Program {
  std::vector<std::string> arguments;  ///< the first is the program: a path, or a name that is looked for in PATH
  std::map<std::string, std::optional<std::string>> environment = {};  ///< changes; absent: unset
  std::string out = "/dev/null", err = "/dev/null";  ///< files for its output; empty: that of the command
};

/// Runs it; returns its exit code, 128 + signal where one ended it. Once `interrupted()`, it is told to end (SIGTERM). Throws
/// IoError where it cannot be started.
int run(const Program& program);

/// The last line of a file that is not empty, such as why a program gave up; "" where there is none.
std::string last_line(const std::string& path);

}  // namespace plexus::cli

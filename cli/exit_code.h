// What the command's exit status means; `plexus --help` prints the same table.
#pragma once
#include <exception>

namespace plexus::cli {

enum ExitCode : int {
  ok = 0,
  failed = 1,         ///< a check failed, or something that nobody foresaw
  usage = 2,          ///< the command line or an environment variable
  bad_input = 3,      ///< the data
  no_backend = 4,     ///< a backend or optional part is not available
  io_failure = 5,     ///< a file is missing or cannot be read
  signalled = 128,    ///< plus the number of the signal: 130, 143
};

/// The exit code that an error stands for.
ExitCode exit_code(const std::exception& error);

}  // namespace plexus::cli

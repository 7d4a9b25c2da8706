// Runs the built command as a shell would, and holds what it printed.
#pragma once
#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

namespace plexus::test {

struct Result {
  int code = -1;  ///< exit code; -signal where a signal killed it
  std::string out, err;
};

using Arguments = std::vector<std::string>;
using Variables = std::map<std::string, std::string>;

/// A command that runs. Its environment is that of the test without PLEXUS_*, colour and locale variables, plus `variables`.
class Process {
 public:
  /// `terminal`: standard error is a terminal of 100 columns. `command`: another copy of it than the built one.
  explicit Process(const Arguments& arguments, const Variables& variables = {}, bool terminal = false,
                   const std::string& command = PLEXUS_COMMAND);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void signal(int number) const;
  /// Waits until it has written `text` to either stream; gives up after 30 s.
  void wait_for(const std::string& text) const;
  Result wait();

 private:
  std::string out_file_, err_file_;
  pid_t pid_ = -1;
  int terminal_ = -1;
};

Result run(const Arguments& arguments, const Variables& variables = {});

}  // namespace plexus::test

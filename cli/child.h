// Child: this command, started anew as another process that reports line by line.
#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

namespace plexus::cli {

/// The file descriptor to which a child reports.
inline constexpr int report_descriptor = 3;

/// A child that runs. What it prints goes to standard error: standard output belongs to the parent.
class Child {
 public:
  /// `arguments` behind the command's name. Throws Error where no process can be started.
  explicit Child(const std::vector<std::string>& arguments);
  ~Child();  ///< kills it
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  enum class Event { line, end, timeout };
  /// The next line that it reports, without its end; waits up to `seconds`.
  Event read(std::string& line, double seconds);
  /// Waits until it has ended, up to `seconds`, then kills it: "" where it ended with exit code 0, else how it ended: "killed by
  /// signal 11 (Segmentation fault)", "ended with exit code 3", "did not end within 20 s".
  std::string wait(double seconds);

 private:
  pid_t pid_ = -1;
  int pipe_ = -1;
  std::string buffer_;
};

/// In a child, before anything else: it dies with its parent, and leaves no core file.
void follow_parent();
/// Sends one line to the parent; ends the process where nobody listens.
void report(const std::string& line);

}  // namespace plexus::cli

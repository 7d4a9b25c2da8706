// Profile: where the time goes, as a file of trace events that Perfetto opens. Private to the library.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>

#include "plexus/export.h"

namespace plexus {

/// What took from `begin` to `end`, nanoseconds since the profile was opened. `text`, of Profile::text(), or else `name`, and one
/// number where `argument` names it.
struct ProfileEvent {
  const std::string* text = nullptr;
  const char* name = nullptr;
  const char* argument = nullptr;
  int64_t value = 0;
  int64_t begin = 0, end = 0;
};

/// Writes the file. After every write it is whole JSON, so that a process may end in any way; what is not written yet is at most
/// a second of work. Only a process that is killed while it writes leaves an array that is cut off, which the format allows. Safe from many threads. Children made by fork() write nothing.
///
/// Two things hold down what it costs. Steps are recorded with all that they consist of, or not at all; where recording
/// them all would take more than one percent of the time, as with very small networks, it leaves some out. And the fuller the file, the more
/// it leaves out, until `most_bytes` ends it: a long training is covered from end to end more thinly, not cut off early.
class PLEXUS_EXPORT Profile {
 public:
  /// All that open one file in a process share it, until the process ends. Throws IoError where the file cannot be written, or
  /// another process writes it.
  static std::shared_ptr<Profile> open(const std::string& path);
  ~Profile();
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;

  /// Nanoseconds since it was opened.
  int64_t at(std::chrono::steady_clock::time_point time) const {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(time - opened_).count();
  }
  int64_t now() const { return at(std::chrono::steady_clock::now()); }
  /// Whether the step that begins now is to be recorded.
  bool due();
  /// What an event says besides its times: `arguments` is JSON between braces. Lives as long as the profile; the same for the same.
  const std::string* text(const std::string& name, const std::string& category, const std::string& arguments);
  /// Events of the calling thread. `worker`: a thread of an executor; for its name.
  void record(std::span<const ProfileEvent> events, bool worker = false);
  /// Counts what recording so many steps has cost, in nanoseconds, against the share that it may have.
  void pay(int64_t cost, int64_t steps);
  /// Writes what has been collected, unless it was written in the last `interval` nanoseconds.
  void flush(int64_t interval = 0);
  /// What went wrong (a disk that is full), once, for the log of a context; else empty.
  std::string complaint();

  /// A string for JSON, with its quotes. Bytes that are not ASCII become '?'.
  static std::string quoted(const std::string& text);

 private:
  Profile(std::string path, int file);
  bool alive() const;
  void append(const ProfileEvent& event, const std::string& thread);
  const std::string& name_thread(bool worker);
  void write();
  void give_up(const std::string& reason);

  const std::string path_;
  const int file_;
  const std::chrono::steady_clock::time_point opened_;
  const uint64_t forks_;
  std::atomic<bool> full_ = false, failed_ = false, complains_ = false;
  std::atomic<int64_t> paid_until_, seen_ = 0, recorded_ = 0, size_ = 0;  // size_: bytes written and collected
  std::atomic<int64_t> last_write_ = 0;

  std::mutex mutex_;  // of all that follows
  std::set<std::string> texts_;
  std::map<int, std::string> threads_;
  int workers_ = 0, others_ = 0;
  std::string buffer_;
  std::string complaint_;
  int64_t offset_ = 0;  // of the file's end without its closing brackets
};

/// From its construction to its destruction, on one thread. Without a profile it does nothing.
class PLEXUS_EXPORT ProfileSpan {
 public:
  /// phase: always recorded: an epoch, an evaluation. step: where Profile::due() says so, with all spans within. run: the same, and none of
  /// its own within a step.
  enum class Kind { phase, step, run };
  ProfileSpan(Profile* profile, Kind kind, const char* name, const char* argument = nullptr, int64_t value = 0) {
    if (profile) begin(profile, kind, name, argument, value);
  }
  ~ProfileSpan() {
    if (profile_) end();
  }
  ProfileSpan(const ProfileSpan&) = delete;
  ProfileSpan& operator=(const ProfileSpan&) = delete;

  /// What happens within is to be recorded, with add().
  bool recording() const { return recording_; }
  /// Of the calling thread, within a span that is being recorded.
  static void add(const ProfileEvent& event);
  /// The operation that the calling thread runs now, for the threads that help it; null: none that is recorded.
  static void set_operation(const std::string* text);
  static const std::string* operation();

 private:
  void begin(Profile* profile, Kind kind, const char* name, const char* argument, int64_t value);
  void end();
  ProfileEvent event() const;

  Profile* profile_ = nullptr;
  bool recording_ = false;
  // Set by begin(): without a profile nobody pays for them.
  Kind kind_;
  bool outermost_, silent_;
  const char *name_, *argument_;
  int64_t value_, begin_;
};

}  // namespace plexus

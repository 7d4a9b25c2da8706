#include "plexus/core/profile.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include "plexus/core/error.h"
#include "plexus/core/fork.h"

namespace plexus {
namespace {

/// One percent of the time, half of what a profile may cost at most.
constexpr int64_t share = 100;
/// Recording may be ahead of that by a hundredth of this: 2 ms, so that a short training is recorded whole.
constexpr int64_t ahead = 200'000'000;
/// What recording a step may have cost at most: more is a time slice of others, for which a long gap in the profile would be paid.
constexpr int64_t most_cost = 300'000;
/// Of every 8 MiB more in the file, steps get half the share of those before; it ends at eight times that. Perfetto opens 64 MiB
/// in some seconds.
constexpr int64_t stage_bytes = int64_t(8) << 20, most_bytes = 8 * stage_bytes;
/// Epochs and evaluations go on for so many bytes more: some ten thousand.
constexpr int64_t phase_bytes = int64_t(2) << 20;
/// Collected before it is written, unless a second has passed before.
constexpr size_t write_bytes = size_t(256) << 10;
constexpr int64_t write_interval = 1'000'000'000;
/// Of a phase's end: who evaluates over and over need not write every time.
constexpr int64_t phase_write_interval = 100'000'000;
/// Events that a thread holds back until its step ends.
constexpr size_t most_pending = 4096;
/// Nanoseconds of reading the clock twice, which every event needs.
constexpr int64_t two_clocks = 50;

/// What the calling thread is doing.
struct Thread {
  Profile* profile = nullptr;  // of the step around
  int depth = 0, phases = 0;
  bool recording = false;
  const std::string* operation = nullptr;
  std::vector<ProfileEvent> pending;
};
thread_local Thread thread;

void append_number(std::string& out, int64_t value) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

/// Microseconds, as the format has them, to the nanosecond.
void append_time(std::string& out, int64_t nanoseconds) {
  nanoseconds = std::max<int64_t>(nanoseconds, 0);
  append_number(out, nanoseconds / 1000);
  const auto rest = int(nanoseconds % 1000);
  const char digits[] = {'.', char('0' + rest / 100), char('0' + rest / 10 % 10), char('0' + rest % 10)};
  out.append(digits, sizeof digits);
}

/// All profiles of the process, by the path of the file. At its end they are written, whoever still holds them.
struct Profiles {
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<Profile>> open;
  ~Profiles() {
    for (const auto& [path, profile] : open) profile->flush();
  }
};

std::string problem(const std::string& path, const std::string& reason) {
  return path + ": cannot write the profile: " + reason;
}

int open_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0) throw IoError(problem(path, std::strerror(errno)));
  const auto refuse = [&](const std::string& reason) {
    close(file);
    throw IoError(problem(path, reason));
  };
  struct stat status {};
  if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) refuse("it is no ordinary file");
  if (flock(file, LOCK_EX | LOCK_NB) != 0) refuse("another process writes it: give each a file of its own");
  if (ftruncate(file, 0) != 0) refuse(std::strerror(errno));
  return file;
}

bool write_all(int file, const std::string& bytes, int64_t offset) {
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t count = pwrite(file, bytes.data() + done, bytes.size() - done, offset + int64_t(done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    done += size_t(count);
  }
  return true;
}

}  // namespace

std::shared_ptr<Profile> Profile::open(const std::string& path) {
  static Profiles profiles;
  const std::lock_guard lock(profiles.mutex);
  std::error_code unknown;
  std::string key = std::filesystem::weakly_canonical(path, unknown).string();
  if (unknown) key = path;
  std::shared_ptr<Profile>& profile = profiles.open[key];
  try {
    if (!profile) profile.reset(new Profile(path, open_file(path)));
  } catch (...) {
    profiles.open.erase(key);
    throw;
  }
  return profile;
}

Profile::Profile(std::string path, int file)
    : path_(std::move(path)),
      file_(file),
      opened_(std::chrono::steady_clock::now()),
      forks_(forks()),
      paid_until_(-ahead) {
  // An array: of all forms that the format has, the one that may end anywhere.
  buffer_ = "[\n" R"({"ph":"M","name":"process_name","pid":)" + std::to_string(getpid()) +
            R"(,"tid":0,"args":{"name":"plexus"}})";
  write();
}

Profile::~Profile() {
  flush();
  close(file_);
}

bool Profile::alive() const { return forks() == forks_ && !failed_.load(std::memory_order_relaxed); }

bool Profile::due() {
  if (full_.load(std::memory_order_relaxed) || !alive()) return false;
  seen_.fetch_add(1, std::memory_order_relaxed);
  return paid_until_.load(std::memory_order_relaxed) <= now();
}

void Profile::pay(int64_t cost, int64_t steps) {
  const int64_t stage = std::min<int64_t>(size_.load(std::memory_order_relaxed) / stage_bytes, 20);
  int64_t paid = paid_until_.load(std::memory_order_relaxed), next;
  do {
    next = std::max(paid, now() - ahead) + std::min(cost, most_cost) * (share << stage);
  } while (!paid_until_.compare_exchange_weak(paid, next, std::memory_order_relaxed));
  recorded_.fetch_add(steps, std::memory_order_relaxed);
}

std::string Profile::quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c >= ' ' && c <= '~' ? c : '?';
  }
  return result + "\"";
}

const std::string* Profile::text(const std::string& name, const std::string& category,
                                 const std::string& arguments) {
  const std::lock_guard lock(mutex_);
  return &*texts_
               .insert(R"({"ph":"X","name":)" + quoted(name) + R"(,"cat":)" + quoted(category) +
                       R"(,"args":{)" + arguments + "}")
               .first;
}

/// `"pid":1,"tid":2`; the first time it also says what the thread is called.
const std::string& Profile::name_thread(bool worker) {
  const int id = gettid();
  const auto [found, fresh] = threads_.try_emplace(id);
  if (fresh) {
    found->second = R"("pid":)" + std::to_string(getpid()) + R"(,"tid":)" + std::to_string(id);
    const std::string name = id == getpid() ? "main"
                             : worker       ? "worker " + std::to_string(++workers_)
                                            : "thread " + std::to_string(++others_);
    buffer_ += ",\n" R"({"ph":"M","name":"thread_name",)" + found->second + R"(,"args":{"name":")" + name + "\"}}";
  }
  return found->second;
}

void Profile::append(const ProfileEvent& event, const std::string& thread_id) {
  buffer_ += ",\n";
  if (event.text) {
    buffer_ += *event.text;
  } else {
    buffer_ += R"({"ph":"X","name":")";
    buffer_ += event.name;
    buffer_ += R"(","cat":"plexus")";
    if (event.argument) {
      buffer_ += R"(,"args":{")";
      buffer_ += event.argument;
      buffer_ += "\":";
      append_number(buffer_, event.value);
      buffer_ += '}';
    }
  }
  buffer_ += ',';
  buffer_ += thread_id;
  buffer_ += R"(,"ts":)";
  append_time(buffer_, event.begin);
  buffer_ += R"(,"dur":)";
  append_time(buffer_, event.end - event.begin);
  buffer_ += '}';
}

void Profile::record(std::span<const ProfileEvent> events, bool worker) {
  if (!alive() || events.empty()) return;
  const std::lock_guard lock(mutex_);
  if (offset_ + int64_t(buffer_.size()) > most_bytes + phase_bytes) return;
  const std::string& thread_id = name_thread(worker);
  for (const ProfileEvent& event : events) append(event, thread_id);
  size_ = offset_ + int64_t(buffer_.size());
  if (size_ > most_bytes && !full_.exchange(true))
    buffer_ += ",\n" R"({"ph":"i","s":"p","name":"the file is full: steps are recorded no more",)" + thread_id +
               R"(,"ts":)" + std::to_string(events.back().end / 1000) + "}";
  if (buffer_.size() >= write_bytes || events.back().end - last_write_ >= write_interval) write();
}

void Profile::flush(int64_t interval) {
  if (!alive() || (interval > 0 && now() - last_write_ < interval)) return;
  const std::lock_guard lock(mutex_);
  write();
}

void Profile::write() {
  if (failed_) return;
  const std::string end = ",\n" R"({"ph":"M","name":"steps","pid":)" + std::to_string(getpid()) +
                          R"(,"tid":0,"args":{"steps":)" + std::to_string(seen_) + R"(,"recorded":)" +
                          std::to_string(recorded_) + "}}\n]\n";
  if (!write_all(file_, buffer_ + end, offset_)) return give_up(std::strerror(errno));
  offset_ += int64_t(buffer_.size());
  buffer_.clear();
  last_write_ = now();
}

/// The file keeps what it had.
void Profile::give_up(const std::string& reason) {
  failed_ = true;
  static_cast<void>(ftruncate(file_, offset_) == 0 && write_all(file_, "\n]\n", offset_));
  complaint_ = problem(path_, reason) + "; it ends here";
  complains_ = true;
}

std::string Profile::complaint() {
  if (!complains_.load(std::memory_order_relaxed) || !complains_.exchange(false)) return "";
  const std::lock_guard lock(mutex_);
  return complaint_;
}

void ProfileSpan::begin(Profile* profile, Kind kind, const char* name, const char* argument, int64_t value) {
  profile_ = profile;
  kind_ = kind;
  outermost_ = silent_ = false;
  name_ = name;
  argument_ = argument;
  value_ = value;
  if (kind == Kind::phase) {
    thread.phases++;
    recording_ = true;
  } else {
    outermost_ = thread.depth++ == 0;
    if (outermost_) {
      thread.profile = profile;
      thread.recording = profile->due();
    }
    recording_ = thread.recording && thread.profile == profile;
    silent_ = kind == Kind::run && !outermost_;
  }
  if (recording_ && !silent_) begin_ = profile->now();
}

/// As if it ended now.
ProfileEvent ProfileSpan::event() const {
  return {.name = name_, .argument = argument_, .value = value_, .begin = begin_, .end = profile_->now()};
}

void ProfileSpan::end() {
  if (kind_ == Kind::phase) {
    thread.phases--;
    const ProfileEvent phase = event();
    profile_->record({&phase, 1});
    if (thread.phases == 0) profile_->flush(phase_write_interval);
    return;
  }
  thread.depth--;
  if (!recording_) return;
  if (!silent_) add(event());
  if (!outermost_) return;
  const int64_t begin = profile_->now(), stamps = int64_t(thread.pending.size());
  profile_->record(thread.pending);
  thread.pending.clear();
  thread.recording = false;
  profile_->pay(profile_->now() - begin + stamps * two_clocks, 1);
}

void ProfileSpan::add(const ProfileEvent& event) {
  if (thread.pending.size() == most_pending) {
    thread.profile->record(thread.pending);
    thread.pending.clear();
  }
  thread.pending.push_back(event);
}

void ProfileSpan::set_operation(const std::string* text) { thread.operation = text; }
const std::string* ProfileSpan::operation() { return thread.operation; }

}  // namespace plexus

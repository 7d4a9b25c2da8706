#include "plexus/trainer/checkpoint_directory.h"

#include <algorithm>
#include <cmath>

#include "plexus/core/error.h"
#include "plexus/io/sections.h"
#include "plexus/trainer/checkpoint_file.h"

namespace plexus {
namespace {

const std::string prefix = "step-", suffix = ".checkpoint";
// A million steps a second would take 11 days to outgrow it; longer numbers still sort right by length.
constexpr size_t digits = 12;

// Half a minute of work is no great loss, and what a checkpoint costs is then seldom measurable.
constexpr double default_seconds = 30;
// Between two checkpoints lies at least this many times the time that one takes: they cost 1 / 31 of the run
// at most.
constexpr double least_ratio = 30;

std::string file_name(int64_t updates) {
  const std::string number = std::to_string(updates);
  return prefix + std::string(digits - std::min(digits, number.size()), '0') + number + suffix;
}

bool older(const std::string& a, const std::string& b) {
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

const CheckpointOptions& checked(const CheckpointOptions& o) {
  if (o.steps < 0 || o.epochs < 0 || !(o.seconds >= 0 && std::isfinite(o.seconds)))
    throw ArgumentError("checkpoints: an interval is negative: choose 0 (off) or more");
  if (o.keep < 1) throw ArgumentError("checkpoints: keep " + std::to_string(o.keep) + ": choose 1 or more");
  return o;
}

}  // namespace

CheckpointDirectory::CheckpointDirectory(const CheckpointOptions& options, const Context& context)
    : options_(checked(options)), context_(context), directory_(options.directory) {
  if (!options.resume && !files().empty())
    throw ArgumentError(directory_.path() +
                        ": holds checkpoints of an earlier run: resume it, or choose another directory");
}

std::vector<std::string> CheckpointDirectory::files() const {
  std::vector<std::string> names = directory_.names();
  std::erase_if(names, [](const std::string& name) {
    return name.size() < prefix.size() + digits + suffix.size() || !name.starts_with(prefix) ||
           !name.ends_with(suffix);
  });
  std::sort(names.begin(), names.end(), older);
  return names;
}

std::optional<Checkpoint> CheckpointDirectory::newest(std::string& file) const {
  const std::vector<std::string> names = files();
  std::string first_problem;
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    file = directory_.path(*name);
    const auto pass_over = [&](const Error& error) {
      if (first_problem.empty()) first_problem = error.what();
      if (name + 1 != names.rend())
        context_.log(LogLevel::warning,
                     std::string(error.what()) + ": going on from the checkpoint before it");
    };
    try {
      return load_checkpoint(file);
    } catch (const io::NewerVersion&) {
      throw;
    } catch (const FormatError& error) {
      pass_over(error);
    } catch (const IoError& error) {
      pass_over(error);
    }
  }
  if (names.empty()) return std::nullopt;
  throw FormatError(
      directory_.path(), "",
      "none of its " + std::to_string(names.size()) + " checkpoints can be read: " + first_problem);
}

bool CheckpointDirectory::due_after_step() {
  ++steps_;
  if (options_.steps > 0 && steps_ >= options_.steps) return true;
  if (!timed()) return false;
  const double least =
      options_.seconds > 0 ? options_.seconds : std::max(default_seconds, least_ratio * pause_);
  return std::chrono::duration<double>(Clock::now() - last_).count() >= least;
}

bool CheckpointDirectory::due_after_epoch() {
  ++epochs_;
  return options_.epochs > 0 && epochs_ >= options_.epochs;
}

void CheckpointDirectory::write(const Checkpoint& checkpoint, int64_t updates) {
  const auto begin = Clock::now();
  const std::string name = file_name(updates);
  try {
    save_checkpoint(checkpoint, directory_.path(name));
    if (failures_ > 0)
      context_.log(LogLevel::warning, directory_.path(name) + ": written, after " +
                                          std::to_string(failures_) + " that could not be");
    failures_ = 0;
    remove_others(name);
  } catch (const IoError& error) {
    // Once: a full disk would fill the log as well.
    if (failures_++ == 0)
      context_.log(LogLevel::warning,
                   std::string(error.what()) + ": training goes on, and tries again at the next checkpoint");
  }
  steps_ = epochs_ = 0;
  last_ = Clock::now();
  pause_ = std::chrono::duration<double>(last_ - begin).count();
}

// Later ones are what was passed over as damaged: this run has come that far again, or will.
void CheckpointDirectory::remove_others(const std::string& written) const {
  const std::vector<std::string> names = files();
  int64_t kept = 0;
  for (auto name = names.rbegin(); name != names.rend(); ++name)
    if (older(written, *name) || ++kept > options_.keep) directory_.remove(*name);
}

}  // namespace plexus

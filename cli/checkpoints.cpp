#include "plexus/cli/checkpoints.h"

#include <charconv>
#include <cmath>
#include <optional>

#include "plexus/cli/flags.h"
#include "plexus/core/error.h"

namespace plexus::cli {
namespace {

// What the text means, in the one member of the options that it is about; absent: nothing.
std::optional<CheckpointOptions> parse(const std::string& text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || !std::isfinite(value) || value <= 0) return std::nullopt;
  const std::string unit(rest, end);
  CheckpointOptions options;
  if (unit == "s" || unit == "m" || unit == "h") {
    options.seconds = value * (unit == "s" ? 1 : unit == "m" ? 60 : 3600);
    return options;
  }
  if (value != std::floor(value) || value > 1e15) return std::nullopt;
  if (unit.empty())
    options.steps = static_cast<int64_t>(value);
  else if (unit == "epoch" || unit == "epochs")
    options.epochs = static_cast<int64_t>(value);
  else
    return std::nullopt;
  return options;
}

}  // namespace

Check interval() {
  return [](const std::string& text) {
    return parse(text) ? std::string()
                       : "expected a time (30s, 10m, 2h), a number of steps (500) or of epochs (1epoch), "
                         "found '" +
                             text + "'";
  };
}

void add_flags(App& app, CheckpointFlags& flags) {
  app.add_option("--checkpoint", flags.directory,
                 "Write checkpoints to DIR, of which --resume goes on (docs/long-runs.md)")
      .type_name("DIR");
  app.add_option(
         "--every", flags.every,
         "Time between two checkpoints, or steps, or epochs: 30s, 10m, 500, 1epoch (default: 30s, longer "
         "where writing takes long)")
      .type_name("WHEN")
      .check(interval());
  app.add_option("--keep", flags.keep, "Checkpoints that stay (default: 2)")
      .type_name("K")
      .check(whole_number(1));
  app.add_flag("--resume", flags.resume, "Go on from the newest checkpoint, or begin where there is none");
}

CheckpointOptions checkpoint_options(const CheckpointFlags& flags, const std::string& directory) {
  CheckpointOptions options = flags.every.empty() ? CheckpointOptions() : *parse(flags.every);
  options.directory = flags.directory.empty() ? directory : flags.directory;
  options.keep = flags.keep;
  options.resume = flags.resume;
  if (options.directory.empty() && (flags.resume || !flags.every.empty()))
    throw ArgumentError(std::string(flags.resume ? "--resume" : "--every") +
                        " needs --checkpoint DIR or --run DIR");
  return options;
}

}  // namespace plexus::cli

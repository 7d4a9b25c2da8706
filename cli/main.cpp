// plexus: the command. Parses, runs one subcommand, turns errors into one line and an exit code.
#include <algorithm>
#include <cstdio>

#include "plexus/cli/command.h"
#include "plexus/cli/exit_code.h"
#include "plexus/cli/suggestion.h"
#include "plexus/core/cpu.h"
#include "plexus/core/error.h"

namespace plexus::cli {
namespace {

int fail(std::string message, ExitCode code) {
  std::replace(message.begin(), message.end(), '\n', ' ');
  std::fflush(stdout);
  std::fprintf(stderr, "plexus: error: %s\n", message.c_str());
  return code;
}

std::vector<std::string> names(const std::vector<Command>& commands) {
  std::vector<std::string> result;
  for (const Command& command : commands) result.push_back(command.app.name());
  return result;
}

// CLI11 would say "the following argument was not expected" and leave it at that.
void refuse_leftovers(const App& app, const std::string& command) {
  const std::vector<std::string> leftovers = app.leftovers();
  if (leftovers.empty()) return;
  const auto flag =
      std::find_if(leftovers.begin(), leftovers.end(), [](const auto& s) { return s.starts_with("-"); });
  const std::string name = flag == leftovers.end() ? leftovers.front() : flag->substr(0, flag->find('='));
  throw ArgumentError(name + (flag == leftovers.end() ? ": one argument too many" : ": no such flag") +
                      did_you_mean(name, app.flags()) + "; see " + command + " --help");
}

// False: --help or --version was all.
bool parse(const std::vector<Command>& commands, App& app, int argc, char** argv) {
  const std::string first = argc > 1 ? argv[1] : "";
  const std::vector<std::string> known = names(commands);
  if (first.empty()) throw ArgumentError("expected a command: " + join(known) + "; see plexus --help");
  if (first[0] != '-' && std::find(known.begin(), known.end(), first) == known.end())
    throw ArgumentError(first + ": no such command" + did_you_mean(first, known) +
                        "; commands: " + join(known));
  return app.parse(std::vector<std::string>(argv + 1, argv + argc));
}

int run(const std::vector<Command>& commands, const App& app) {
  refuse_leftovers(app, app.name());
  for (const Command& command : commands)
    if (command.app.parsed()) {
      refuse_leftovers(command.app, app.name() + " " + command.app.name());
      return command.run();
    }
  throw ArgumentError("expected a command: " + join(names(commands)) + "; see plexus --help");
}

int main(int argc, char** argv) {
  App app("Plexus trains and runs neural networks on CPUs.", "plexus");
  app.version(build_description());
  app.footer(
      "Examples:\n"
      "  plexus train fashion-mnist --show 10        learn to tell clothes apart\n"
      "  plexus train iris.csv --label species       a table with a named label column\n"
      "  plexus predict m.safetensors new.csv        what a saved model makes of new rows\n"
      "  plexus info                                 what computes here, and why\n"
      "  plexus bench --quick                        how fast\n\n"
      "Exit codes: 0 done, 1 failed, 2 usage, 3 bad input, 4 backend or optional part not available,\n"
      "5 file missing or unreadable, 130 and 143 stopped by SIGINT and SIGTERM.");
  app.allow_leftovers();
  std::vector<Command> commands = {train_command(app),   evaluate_command(app), compare_command(app),
                                   predict_command(app), explain_command(app),  inspect_command(app),
                                   info_command(app),    plan_command(app),     tune_command(app),
                                   bench_command(app),   report_command(app),   verify_command(app),
                                   replay_command(app)};
  try {
    const int code = parse(commands, app, argc, argv) ? run(commands, app) : ok;
    if (std::fflush(stdout) != 0 || std::ferror(stdout)) return fail("cannot write to standard output", io_failure);
    return code;
  } catch (const std::bad_alloc&) {
    return fail("out of memory", failed);
  } catch (const std::exception& error) {
    return fail(error.what(), exit_code(error));
  }
}

}  // namespace
}  // namespace plexus::cli

int main(int argc, char** argv) { return plexus::cli::main(argc, argv); }

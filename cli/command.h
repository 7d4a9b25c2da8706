// The subcommands: each adds its flags to the app and says what runs it.
#pragma once
#include <CLI/CLI.hpp>
#include <functional>

namespace plexus::cli {

struct Command {
  CLI::App* app = nullptr;
  std::function<int()> run;  ///< after a successful parse; returns the exit code
};

Command train_command(CLI::App& app);
Command evaluate_command(CLI::App& app);
Command compare_command(CLI::App& app);
Command explain_command(CLI::App& app);
Command predict_command(CLI::App& app);
Command inspect_command(CLI::App& app);
Command info_command(CLI::App& app);
Command plan_command(CLI::App& app);
Command tune_command(CLI::App& app);
Command bench_command(CLI::App& app);
Command report_command(CLI::App& app);
Command verify_command(CLI::App& app);
Command replay_command(CLI::App& app);

}  // namespace plexus::cli

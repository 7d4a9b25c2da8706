// The subcommands: each adds its flags to the app and says what runs it.
#pragma once
#include <functional>

#include "plexus/cli/app.h"

namespace plexus::cli {

struct Command {
  App app;
  std::function<int()> run;  ///< after a successful parse; returns the exit code
};

Command train_command(App& app);
Command evaluate_command(App& app);
Command compare_command(App& app);
Command explain_command(App& app);
Command predict_command(App& app);
Command inspect_command(App& app);
Command info_command(App& app);
Command plan_command(App& app);
Command tune_command(App& app);
Command bench_command(App& app);
Command report_command(App& app);
Command verify_command(App& app);
Command replay_command(App& app);

}  // namespace plexus::cli

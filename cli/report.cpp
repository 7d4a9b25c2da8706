// plexus report: a run of benchmarks, or runs of training, as one HTML file with plots. It is drawn by the
// Python program report, which lies in libexec.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "plexus/cli/bench/measurements.h"
#include "plexus/cli/command.h"
#include "plexus/cli/exit_code.h"
#include "plexus/cli/interrupt.h"
#include "plexus/cli/manifest.h"
#include "plexus/cli/output.h"
#include "plexus/cli/program.h"
#include "plexus/cli/run_directory.h"

namespace plexus::cli {
namespace {

namespace fs = std::filesystem;

// Debian's: the one that sees Debian's matplotlib.
constexpr const char* python = "/usr/bin/python3";

struct ReportOptions {
  std::vector<std::string> paths;
  std::string out;
};

bool is_directory(const std::string& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

/// Says what is wrong with the path, once for all readers.
void check_run(const std::string& path) {
  const std::string manifest = RunDirectory(path).manifest();
  if (!fs::exists(manifest))
    throw IoError(path +
                  ": holds no run: expected the directory of a plexus train --run, or the BENCH.json of a "
                  "plexus bench --out");
  load_manifest(manifest);
}

int report(const ReportOptions& options) {
  const auto& paths = options.paths;
  const auto directories = std::count_if(paths.begin(), paths.end(), is_directory);
  const bool runs = directories > 0;
  if (runs ? directories != std::ssize(paths) : paths.size() > 1)
    throw ArgumentError("report: give directories of runs, one or several, or a single BENCH.json, not both");
  const std::string beside =
      runs ? paths.front() + "/report.html" : fs::path(paths.front()).replace_extension(".html").string();
  const std::string out = options.out.empty() ? beside : options.out;
  if (runs)
    for (const std::string& path : paths) check_run(path);
  check_output(out);
  if (!runs) measurements(load_json(paths.front()), paths.front());
  if (access(python, X_OK) != 0)
    throw MissingPart(std::string(python) + " is not there: apt-get install python3-matplotlib");
  catch_interrupts();
  // -B: nothing is written beside the program.
  std::vector<std::string> arguments = {python, "-B", libexec("report"), runs ? "runs" : "measurements"};
  arguments.insert(arguments.end(), {"-o", out, "--"});
  arguments.insert(arguments.end(), paths.begin(), paths.end());
  const int code = run({.arguments = arguments, .out = "", .err = ""});
  if (code == ok) std::printf("wrote     %s\n", out.c_str());
  return code;
}

}  // namespace

Command report_command(App& parent) {
  const auto options = std::make_shared<ReportOptions>();
  App app = parent.add_subcommand(
      "report", "Draw runs of plexus train, or what plexus bench measured: one HTML file with plots");
  app.add_option("RUN|BENCH.json", options->paths,
                 "Directories of plexus train --run, several are drawn over each other; or what plexus bench "
                 "--out wrote")
      .required();
  app.add_option("-o,--out", options->out,
                 "The file to write (default: report.html in the first RUN, or BENCH.html beside BENCH.json)")
      .type_name("FILE");
  app.footer(
      "Examples:\n"
      "  plexus train iris.csv --run runs/1 && plexus report runs/1\n"
      "  plexus report runs/1 runs/2 -o both.html\n"
      "  plexus bench --quick --out run && plexus report run/bench.json -o run.html");
  return {app, [options] { return report(*options); }};
}

}  // namespace plexus::cli

// plexus report: the plots of a run of benchmarks as one HTML file. They are drawn by report.py, which lies
// in libexec.
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>

#include "plexus/cli/bench/measurements.h"
#include "plexus/cli/command.h"
#include "plexus/cli/exit_code.h"
#include "plexus/cli/interrupt.h"
#include "plexus/cli/output.h"
#include "plexus/cli/program.h"

namespace plexus::cli {
namespace {

// Debian's: the one that sees Debian's matplotlib.
constexpr const char* python = "/usr/bin/python3";

struct Options {
  std::string file, out;
};

int report(const Options& options) {
  const std::string out = options.out.empty()
                              ? std::filesystem::path(options.file).replace_extension(".html").string()
                              : options.out;
  check_output(out);
  measurements(load_json(options.file),
               options.file);  // what is wrong with the file is said here, once for all readers
  if (access(python, X_OK) != 0)
    throw MissingPart(std::string(python) + " is not there: apt-get install python3-matplotlib");
  catch_interrupts();
  const int code =
      run({.arguments = {python, libexec("report.py"), options.file, "-o", out}, .out = "", .err = ""});
  if (code == ok) std::printf("wrote     %s\n", out.c_str());
  return code;
}

}  // namespace

Command report_command(CLI::App& parent) {
  const auto options = std::make_shared<Options>();
  CLI::App* app =
      parent.add_subcommand("report", "Draw what plexus bench measured: one HTML file with plots");
  app->add_option("BENCH.json", options->file, "What plexus bench --out wrote")->required();
  app->add_option("-o,--out", options->out, "The file to write (default: BENCH.html beside it)")
      ->type_name("FILE");
  app->footer("Example:\n  plexus bench --quick --out run && plexus report run/bench.json -o run.html");
  return {app, [options] { return report(*options); }};
}

}  // namespace plexus::cli

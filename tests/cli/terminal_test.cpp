// What goes to terminals, pipes and files: colours, the progress bar, signals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/command.h"
#include "cli/files.h"

namespace plexus::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* escape = "\033";

class Terminal : public testing::Test {
 protected:
  Terminal() {
    directory.write_images("train", {0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1});
    directory.write_images("t10k", {0, 1, 1, 0, 1, 0});
  }
  Arguments show(const Arguments& more = {}) const {
    Arguments all = {"train", directory.path(), "--epochs", "2", "--show", "3"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  Directory directory;
};

TEST_F(Terminal, NoEscapesInAPipe) {
  const Result result =
      run(show(), {{"TERM", "xterm-256color"}, {"COLORTERM", "truecolor"}, {"LANG", "C.UTF-8"}});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, Not(HasSubstr(escape)));
  EXPECT_THAT(result.out, HasSubstr("@"));  // drawn with the ramp
  EXPECT_EQ(result.err, "");
}

TEST_F(Terminal, ColourWhereAskedFor) {
  const Variables variables = {{"COLORTERM", "truecolor"}, {"LANG", "C.UTF-8"}};
  EXPECT_THAT(run(show({"--color", "always"}), variables).out, HasSubstr("\033[38;2;"));
  EXPECT_THAT(run(show({"--color", "always"}), {{"LANG", "C.UTF-8"}}).out, HasSubstr("\033[38;5;"));
  EXPECT_THAT(run(show(), {{"FORCE_COLOR", "1"}, {"LANG", "C.UTF-8"}}).out, HasSubstr("\u2580"));
  // Without UTF-8 the ramp stays, the verdicts are coloured.
  const Result ascii = run(show({"--color", "always"}));
  EXPECT_THAT(ascii.out, Not(HasSubstr("\u2580")));
  EXPECT_THAT(ascii.out, HasSubstr("\033[32m"));
}

TEST_F(Terminal, NoColorWinsOverForceColor) {
  EXPECT_THAT(run(show(), {{"FORCE_COLOR", "1"}, {"NO_COLOR", "1"}}).out, Not(HasSubstr(escape)));
  EXPECT_THAT(run(show({"--color", "never"}), {{"FORCE_COLOR", "1"}}).out, Not(HasSubstr(escape)));
  EXPECT_THAT(run(show(), {{"FORCE_COLOR", "1"}, {"NO_COLOR", ""}}).out,
              HasSubstr(escape));  // empty is unset
}

// Long enough for the bar to appear: it is drawn every tenth of a second.
Arguments long_run(const std::string& table) {
  return {"train", table, "--epochs", "2000000", "--layers", "64,relu"};
}

Result interrupt(Process& process, int signal) {
  process.wait_for("epoch ");
  std::this_thread::sleep_for(std::chrono::milliseconds(300));  // time for the bar to be drawn
  process.signal(signal);
  return process.wait();
}

TEST_F(Terminal, ProgressBarWithoutEscapes) {
  Process process(long_run(directory.write_classes("a.csv", 200)), {{"TERM", "xterm"}, {"NO_COLOR", "1"}},
                  true);
  const Result result = interrupt(process, SIGINT);
  EXPECT_EQ(result.code, 130);
  EXPECT_THAT(result.err, HasSubstr("\repoch "));
  EXPECT_THAT(result.err, HasSubstr(" rows/s "));
  EXPECT_THAT(result.err, HasSubstr(" left  loss "));
  EXPECT_THAT(result.err, Not(HasSubstr(escape)));
}

TEST_F(Terminal, NoBarOnADumbTerminal) {
  Process process(long_run(directory.write_classes("a.csv", 200)), {{"TERM", "dumb"}}, true);
  const Result result = interrupt(process, SIGINT);
  EXPECT_EQ(result.code, 130);
  EXPECT_THAT(result.err, Not(HasSubstr("rows/s")));
}

TEST_F(Terminal, SignalsStopAfterTheStep) {
  const std::string table = directory.write_classes("a.csv", 200);
  for (const auto& [signal, code] : {std::pair{SIGINT, 130}, {SIGTERM, 143}}) {
    Process process(long_run(table));
    const Result result = interrupt(process, signal);
    EXPECT_EQ(result.code, code);
    EXPECT_THAT(result.err, HasSubstr("stopped by signal"));
    EXPECT_THAT(result.out, Not(HasSubstr("accuracy 1")));
  }
}

TEST_F(Terminal, InterruptedJsonIsStillOneObject) {
  Arguments arguments = long_run(directory.write_classes("a.csv", 200));
  arguments.push_back("--json");
  Process process(arguments);
  const Result result = interrupt(process, SIGINT);
  EXPECT_EQ(result.code, 130);
  EXPECT_TRUE(nlohmann::json::parse(result.out)["test"].is_null());
}

}  // namespace
}  // namespace plexus::test

// What goes to terminals, pipes and files: colours, the progress bar, signals.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/command.h"
#include "cli/files.h"
#include "cli/json.h"

namespace plexus::test {
namespace {


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
  EXPECT_PRED_FORMAT2(testing::IsNotSubstring, escape, result.out);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "%%%%", result.out);  // drawn with the ramp
  EXPECT_EQ(result.err, "");
}

TEST_F(Terminal, ColourWhereAskedFor) {
  const Variables variables = {{"COLORTERM", "truecolor"}, {"LANG", "C.UTF-8"}};
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "\033[38;2;", run(show({"--color", "always"}), variables).out);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "\033[38;5;", run(show({"--color", "always"}), {{"LANG", "C.UTF-8"}}).out);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "\u2580", run(show(), {{"FORCE_COLOR", "1"}, {"LANG", "C.UTF-8"}}).out);
  // Without UTF-8 the ramp stays, the verdicts are coloured.
  const Result ascii = run(show({"--color", "always"}));
  EXPECT_PRED_FORMAT2(testing::IsNotSubstring, "\u2580", ascii.out);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "\033[32m", ascii.out);
}

TEST_F(Terminal, NoColorWinsOverForceColor) {
  EXPECT_PRED_FORMAT2(testing::IsNotSubstring, escape, run(show(), {{"FORCE_COLOR", "1"}, {"NO_COLOR", "1"}}).out);
  EXPECT_PRED_FORMAT2(testing::IsNotSubstring, escape, run(show({"--color", "never"}), {{"FORCE_COLOR", "1"}}).out);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, escape, run(show(), {{"FORCE_COLOR", "1"}, {"NO_COLOR", ""}}).out);  // empty is unset
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
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "\repoch ", result.err);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, " rows/s ", result.err);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, " left  loss ", result.err);
  EXPECT_PRED_FORMAT2(testing::IsNotSubstring, escape, result.err);
}

TEST_F(Terminal, NoBarOnADumbTerminal) {
  Process process(long_run(directory.write_classes("a.csv", 200)), {{"TERM", "dumb"}}, true);
  const Result result = interrupt(process, SIGINT);
  EXPECT_EQ(result.code, 130);
  EXPECT_PRED_FORMAT2(testing::IsNotSubstring, "rows/s", result.err);
}

TEST_F(Terminal, SignalsStopAfterTheStep) {
  const std::string table = directory.write_classes("a.csv", 200);
  for (const auto& [signal, code] : {std::pair{SIGINT, 130}, {SIGTERM, 143}}) {
    Process process(long_run(table));
    const Result result = interrupt(process, signal);
    EXPECT_EQ(result.code, code);
    EXPECT_PRED_FORMAT2(testing::IsSubstring, "stopped by signal", result.err);
    EXPECT_PRED_FORMAT2(testing::IsNotSubstring, "accuracy 1", result.out);
  }
}

TEST_F(Terminal, InterruptedJsonIsStillOneObject) {
  Arguments arguments = long_run(directory.write_classes("a.csv", 200));
  arguments.push_back("--json");
  Process process(arguments);
  const Result result = interrupt(process, SIGINT);
  EXPECT_EQ(result.code, 130);
  EXPECT_TRUE(parse_json(result.out)["test"].is_null());
}

}  // namespace
}  // namespace plexus::test

// plexus verify: the conformance suite on one backend.
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "plexus/cli/command.h"
#include "plexus/cli/flags.h"
#include "plexus/cli/print_json.h"
#include "plexus/cli/suggestion.h"
#include "plexus/cli/verification.h"
#include "plexus/core/error.h"

namespace plexus::cli {
namespace {

using conformance::CaseName;
using conformance::Mode;
using conformance::mode_count;
using conformance::Suite;
using Json = nlohmann::ordered_json;

struct VerifyOptions {
  std::optional<std::string> backend, plugin, family, mode, one_case, isa;
  std::optional<uint64_t> cases;
  uint64_t seed = 0;
  double time_limit = 20;
  bool json = false, child = false;
};

/// What `--cases` is where it is not given.
constexpr uint64_t default_cases = 2000;

std::vector<std::string> family_names() {
  const auto names = conformance::families();
  return {names.begin(), names.end()};
}

std::vector<std::string> mode_names() {
  std::vector<std::string> names;
  for (int mode = 0; mode < mode_count; mode++) names.push_back(to_string(Mode(mode)));
  return names;
}

/// Finds out who is meant, without loading anything. Throws where the name, the file or the environment is
/// wrong.
Subject subject(const VerifyOptions& options) {
  if (options.isa) setenv("PLEXUS_MAX_ISA", options.isa->c_str(), 1);  // the children read it too
  Subject subject{.time_limit = options.time_limit};
  if (options.plugin) {
    if (access(options.plugin->c_str(), R_OK) != 0)
      throw IoError(*options.plugin + ": cannot read: " + std::strerror(errno));
    subject.plugin = std::filesystem::absolute(*options.plugin).lexically_normal();
    Environment::resolve({.backend = "reference"});
  } else {
    subject.backend =
        Environment::resolve(context_options({.name = options.backend, .threads = 0, .fallback = {}}))
            .backend;
    if (subject.backend == auto_backend) subject.backend = default_backend(backends());
  }
  return subject;
}

std::vector<Range> ranges(const VerifyOptions& options) {
  if (options.one_case) {
    const CaseName name = conformance::parse_case_name(*options.one_case);
    uint64_t count = options.cases.value_or(1);
    if (name.mode == Mode::edges)
      count = std::min(count, Suite::count(name.family, name.mode, 0) - name.number);
    return {{name.family, name.mode, name.number, count}};
  }
  std::vector<Range> list;
  for (const std::string& family : family_names())
    for (int i = 0; i < mode_count; i++) {
      const Mode mode = Mode(i);
      if ((options.family && *options.family != family) || (options.mode && *options.mode != to_string(mode)))
        continue;
      const uint64_t count = Suite::count(family, mode, options.cases.value_or(default_cases));
      if (count > 0) list.push_back({family, mode, mode == Mode::edges ? 0 : options.seed, count});
    }
  return list;
}

/// As a shell takes it for one word.
std::string shell_word(const std::string& word) {
  if (word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-") ==
      std::string::npos)
    return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? "'\\''" : std::string(1, c);
  return text + "'";
}

std::string reproduction(const VerifyOptions& options, const Subject& subject, const CaseName& name) {
  std::string line = "plexus verify " + (subject.plugin.empty() ? "--backend " + shell_word(subject.backend)
                                                                : "--plugin " + shell_word(subject.plugin));
  if (options.isa) line += " --isa " + *options.isa;
  return line + " --case " + to_string(name);
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

void print_head(const Portrait& portrait) {
  std::printf("%s: %s\n", portrait.name.c_str(), portrait.description.c_str());
  std::printf("declared deviations: %s\n",
              portrait.deviations.empty() ? "none" : portrait.deviations.c_str());
  if (!portrait.note.empty()) std::printf("note: %s\n", portrait.note.c_str());
  std::printf("\n%-12s%-13s%8s%8s%10s%12s  result\n", "family", "mode", "cases", "lacks", "deviates",
              "worst/bound");
}

void print_row(const Outcome& outcome) {
  std::string result = "pass";
  if (!outcome.failures.empty())
    result = std::to_string(outcome.failures.size()) + " FAILED" + (outcome.complete ? "" : ", given up");
  std::printf("%-12s%-13s%8llu%8llu%10llu%12.3g  %s\n", outcome.range.family.c_str(),
              to_string(outcome.range.mode).c_str(), (unsigned long long)outcome.ran,
              (unsigned long long)outcome.absent, (unsigned long long)outcome.excusable, outcome.worst,
              result.c_str());
  std::fflush(stdout);
}

/// Families of which the backend has nothing, and those that it has no case of in some mode.
void print_lacking(const std::vector<Range>& list, const std::map<std::string, uint64_t>& lacking) {
  for (const auto& [family, modes] : lacking) {
    if (modes == 0) continue;
    const auto all = std::count_if(list.begin(), list.end(), [&family = family](const Range& range) {
      return range.family == family && range.mode != Mode::fused;
    });
    std::printf("%-12s%s\n", family.c_str(),
                modes == uint64_t(all) ? "it does not have" : "no case in the other modes");
  }
}

Json to_json(const VerifyOptions& options, const Subject& subject, const Outcome& outcome) {
  Json row = {{"family", outcome.range.family}, {"mode", to_string(outcome.range.mode)},
              {"first", outcome.range.first},   {"cases", outcome.ran},
              {"lacks", outcome.absent},        {"deviates", outcome.excusable},
              {"worst", outcome.worst},         {"complete", outcome.complete},
              {"failures", Json::array()}};
  for (const Failure& failure : outcome.failures)
    row["failures"].push_back({{"case", to_string(failure.name)},
                               {"message", failure.message},
                               {"reproduce", reproduction(options, subject, failure.name)}});
  return row;
}

int verify(const VerifyOptions& options) {
  const std::vector<Range> list = ranges(options);
  const Subject whom = subject(options);
  if (options.child)
    return run_reporting(whom, options.one_case ? std::optional(list.front()) : std::nullopt);

  const Portrait portrait = load(whom);
  if (!options.json) print_head(portrait);
  Json rows = Json::array();
  std::vector<std::string> failures;
  uint64_t ran = 0;
  std::map<std::string, uint64_t> lacking;  // modes of a family without a case
  for (const Range& range : list) {
    const Outcome outcome = verify(whom, range);
    ran += outcome.ran;
    if (outcome.ran == 0)
      lacking[range.family] += range.mode != Mode::fused;
    else if (!options.json)
      print_row(outcome);
    rows.push_back(to_json(options, whom, outcome));
    for (const Failure& failure : outcome.failures)
      failures.push_back(reproduction(options, whom, failure.name) + "  # " + one_line(failure.message));
  }
  const bool passed = failures.empty() && ran > 0;
  if (options.json) {
    const Json json = {{"backend", portrait.name},
                       {"description", portrait.description},
                       {"deviations", portrait.deviations},
                       {"note", portrait.note},
                       {"passed", passed},
                       {"rows", rows}};
    print_json(json);
  } else {
    print_lacking(list, lacking);
    if (!failures.empty()) std::printf("\n");
    for (const std::string& line : failures) std::printf("%s\n", line.c_str());
  }
  if (ran == 0) throw Error(portrait.name + ": nothing was verified: it has none of these operations");
  if (!passed)
    throw Error(portrait.name + ": " + std::to_string(failures.size()) + " of " + std::to_string(ran) +
                " cases failed");
  if (!options.json)
    std::printf("\n%s: all %llu cases passed\n", portrait.name.c_str(), (unsigned long long)ran);
  return 0;
}

}  // namespace

Command verify_command(App& parent) {
  const auto options = std::make_shared<VerifyOptions>();
  App app = parent.add_subcommand(
      "verify", "Check that a backend computes what it should, and leaves alone what it must");
  const Option backend =
      app.add_option("--backend", options->backend, "The backend (default: PLEXUS_BACKEND, else the best)")
          .type_name("NAME");
  app.add_option("--plugin", options->plugin, "The backend in this file").type_name("FILE").excludes(backend);
  app.add_option("--cases", options->cases,
                 "Random cases of a family in the modes exact and float; a share of them in the others "
                 "(default: 2000)")
      .type_name("N")
      .check(whole_number(1));
  const Option seed =
      app.add_option("--seed", options->seed, "The number of the first random case (default: 0)")
          .type_name("S")
          .check(whole_number(0));
  const Option family =
      app.add_option("--family", options->family, "One family alone: " + join(family_names()))
          .type_name("F")
          .check(one_of(family_names()));
  const Option mode = app.add_option("--mode", options->mode, "One mode alone: " + join(mode_names()))
                          .type_name("M")
                          .check(one_of(mode_names()));
  app.add_option("--case", options->one_case, "One case alone, as failures name it: matmul/exact/17")
      .type_name("CASE")
      .excludes(family)
      .excludes(mode)
      .excludes(seed);
  app.add_option("--isa", options->isa, "The most that kernels may use, as PLEXUS_MAX_ISA").type_name("X");
  app.add_option("--time-limit", options->time_limit, "Seconds that a case may take (default: 20)")
      .type_name("SECONDS")
      .check(positive_number());
  app.add_flag("--json", options->json, "Print one JSON object");
  app.add_flag("--child", options->child).hidden();  // what the command says to itself
  app.footer(
      "Every family and mode runs in a process of its own: a crash or a hang is the failure of its case.\n"
      "Each failure is a line that runs it again.\n"
      "Examples:\n"
      "  plexus verify --backend simd --cases 100000\n"
      "  plexus verify --plugin ./mine.so --family matmul");
  return {app, [options] { return verify(*options); }};
}

}  // namespace plexus::cli

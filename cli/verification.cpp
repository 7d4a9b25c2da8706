#include "plexus/cli/verification.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "plexus/backends/registry.h"
#include "plexus/cli/child.h"
#include "plexus/cli/exit_code.h"
#include "plexus/core/error.h"

namespace plexus::cli {
namespace {

using conformance::CaseName;
using conformance::Result;
using conformance::Status;
using conformance::Suite;
using Json = nlohmann::ordered_json;

/// Enough to see what they have in common.
constexpr size_t most_failures = 5;

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::vector<std::string> arguments(const Subject& subject) {
  std::vector<std::string> words = {"verify", "--child"};
  const bool named = subject.plugin.empty();
  words.insert(words.end(), {named ? "--backend" : "--plugin", named ? subject.backend : subject.plugin});
  return words;
}

std::vector<std::string> arguments(const Subject& subject, const Range& range, uint64_t first) {
  std::vector<std::string> words = arguments(subject);
  const uint64_t count = range.first + range.count - first;
  for (const std::string& word : {std::string("--case"), to_string(CaseName{range.family, range.mode, first}),
                                  std::string("--cases"), std::to_string(count)})
    words.push_back(word);
  return words;
}

std::string too_long(const Subject& subject) {
  char text[64];
  std::snprintf(text, sizeof text, "took longer than %g s", subject.time_limit);
  return text;
}

[[noreturn]] void rethrow(const Json& error) {
  const std::string message = error.at("message");
  switch (error.at("code").get<int>()) {
    case usage:
      throw ArgumentError(message);
    case no_backend:
      throw BackendError(message);
    default:
      throw Error(message);
  }
}

/// What one process says about a range, as it comes.
class Listener {
 public:
  /// `first`: where the process begins.
  Listener(Outcome& outcome, uint64_t first) : outcome_(outcome), next_(first) {}

  void hear(const Json& line) {
    if (line.contains("error")) rethrow(line["error"]);
    if (line.contains("case")) {
      heard_ = true;
      running_ = line["number"].get<uint64_t>();
      description_ = line["case"];
    } else if (line.contains("end")) {
      ended_ = true;
    } else if (line.contains("pass")) {
      outcome_.ran++;
      outcome_.excusable += line["deviates"].get<bool>();
      outcome_.worst = std::max(outcome_.worst, line["pass"].get<double>());
      next_ = *running_ + 1, running_.reset();
    } else if (line.contains("absent")) {
      outcome_.absent++;
      next_ = *running_ + 1, running_.reset();
    } else if (line.contains("fail")) {
      fail(*running_, line["fail"]);
    }
  }
  /// The process was too slow, or is gone: `how`, empty where it ended as if all were well.
  void lose(const std::string& how) {
    if (running_)
      fail(*running_, description_ + ": " + (how.empty() ? "ended the process" : how));
    else if (!how.empty() || (!ended_ && !heard_))
      fail(next_, (ended_ ? "after the last case: " : "before the case: ") +
                      (how.empty() ? "the process ended" : how));
  }
  bool ended() const { return ended_; }
  /// The first case that is still to be run.
  uint64_t next() const { return next_; }

 private:
  void fail(uint64_t number, const std::string& message) {
    outcome_.ran++;
    outcome_.failures.push_back({{outcome_.range.family, outcome_.range.mode, number}, message});
    next_ = number + 1, running_.reset();
  }

  Outcome& outcome_;
  std::optional<uint64_t> running_;
  uint64_t next_;
  std::string description_;
  bool heard_ = false, ended_ = false;
};

Context context(const std::string& backend, int threads) {
  return make_context({.backend = backend, .threads = threads});
}

/// Loads it; returns its name.
std::string load_here(const Subject& subject) {
  return subject.plugin.empty() ? subject.backend : load_backend(subject.plugin).name;
}

void report_portrait(const std::string& name) {
  const Deviations deviations = context(name, 1).chosen().deviations();
  for (const BackendRow& row : backends())
    if (row.name == name)
      report(dump({{"portrait",
                    {{"name", name},
                     {"description", row.description},
                     {"deviations", deviations.describe()},
                     {"note", row.note}}}}));
}

void report_range(const std::string& backend, const Range& range) {
  Suite suite(range.family, range.mode, [&](int threads) { return context(backend, threads); });
  for (uint64_t number = range.first; number < range.first + range.count; ++number) {
    const std::string line = suite.describe(number);
    report(dump({{"case", line}, {"number", number}}));
    try {
      const Result result = suite.run(number);
      if (result.status == Status::not_supported) {
        report(dump({{"absent", true}}));
        continue;
      }
      const bool deviates = suite.backend().deviations().of(suite.spec(number)).any();
      if (result.status == Status::fail)
        report(dump({{"fail", result.message}}));
      else
        report(dump({{"pass", result.error}, {"deviates", deviates}}));
    } catch (const std::exception& error) {
      report(dump({{"fail", line + ": " + error.what()}}));
      return;  // whoever threw may have been put out of service: the rest is for a new process
    }
  }
  report(dump({{"end", true}}));
}

}  // namespace

int run_reporting(const Subject& subject, const std::optional<Range>& range) {
  follow_parent();
  try {
    const std::string name = load_here(subject);
    if (range)
      report_range(name, *range);
    else
      report_portrait(name);
    return ok;
  } catch (const std::exception& error) {
    report(dump({{"error", {{"message", error.what()}, {"code", int(exit_code(error))}}}}));
    return ok;
  }
}

Portrait load(const Subject& subject) {
  Child child(arguments(subject));
  std::string line, how;
  Json portrait;
  while (true) {
    const Child::Event event = child.read(line, subject.time_limit);
    if (event == Child::Event::timeout) how = too_long(subject);
    if (event == Child::Event::end) how = child.wait(subject.time_limit);
    if (event != Child::Event::line) break;
    const Json said = Json::parse(line, nullptr, false);
    if (!said.is_object()) continue;
    if (said.contains("error")) rethrow(said["error"]);
    portrait = said.at("portrait");
  }
  const std::string who = subject.plugin.empty() ? subject.backend : subject.plugin;
  if (portrait.is_null()) throw Error(who + ": loading it: " + (how.empty() ? "ended the process" : how));
  if (!how.empty()) throw Error(who + ": after loading it: " + how);
  return {portrait["name"], portrait["description"], portrait["deviations"], portrait["note"]};
}

Outcome verify(const Subject& subject, const Range& range) {
  Outcome outcome{.range = range};
  const uint64_t end = range.first + range.count;
  for (uint64_t first = range.first; first < end;) {
    Child child(arguments(subject, range, first));
    Listener listener(outcome, first);
    std::string line;
    Child::Event event = Child::Event::line;
    while (outcome.failures.size() < most_failures &&
           (event = child.read(line, subject.time_limit)) == Child::Event::line)
      if (const Json said = Json::parse(line, nullptr, false); said.is_object()) listener.hear(said);
    if (event == Child::Event::timeout) listener.lose(too_long(subject));
    if (event == Child::Event::end) listener.lose(child.wait(subject.time_limit));
    if (listener.ended()) return outcome;
    first = listener.next();
    // Who hangs once hangs again, and every time takes the whole limit.
    if (event != Child::Event::end) {
      outcome.complete = first >= end;
      return outcome;
    }
  }
  return outcome;
}

}  // namespace plexus::cli

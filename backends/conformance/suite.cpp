#include "plexus/backends/conformance/suite.h"

#include <algorithm>
#include <charconv>

#include "plexus/core/error.h"

namespace plexus::conformance {
namespace {

/// The fewest with which a kernel's parallel paths run.
constexpr int usual_threads = 2;

constexpr Mode modes[mode_count] = {Mode::exact,  Mode::real,    Mode::edges,
                                    Mode::memory, Mode::threads, Mode::environment,
                                    Mode::fused};

/// One of so many cases of the mode exact, since a case takes longer: 22 runs (memory), large operands, 40
/// runs and a hundred times the time (threads), a look at every signal's handler (environment), two plans
/// (fused). All modes then take seconds.
uint64_t share(Mode mode) {
  switch (mode) {
    case Mode::memory:
      return 5;
    case Mode::threads:
      return 20;
    case Mode::environment:
      return 10;
    case Mode::fused:
      return 5;
    case Mode::exact:
    case Mode::real:
    case Mode::edges:
      break;
  }
  return 1;
}

std::string words(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& word : list) text += (text.empty() ? "" : ", ") + word;
  return text;
}

}  // namespace

std::string to_string(Mode mode) {
  switch (mode) {
    case Mode::exact:
      return "exact";
    case Mode::real:
      return "float";
    case Mode::edges:
      return "edges";
    case Mode::memory:
      return "memory";
    case Mode::threads:
      return "threads";
    case Mode::environment:
      return "environment";
    case Mode::fused:
      return "fused";
  }
  return "?";
}

std::string to_string(const CaseName& name) {
  return name.family + "/" + to_string(name.mode) + "/" + std::to_string(name.number);
}

CaseName parse_case_name(const std::string& text) {
  const size_t first = text.find('/'),
               second = first == std::string::npos ? first : text.find('/', first + 1);
  CaseName name;
  if (second != std::string::npos) {
    name.family = text.substr(0, first);
    const std::string mode = text.substr(first + 1, second - first - 1);
    const auto known =
        std::find_if(std::begin(modes), std::end(modes), [&](Mode m) { return to_string(m) == mode; });
    const auto list = families();
    const char* end = text.data() + text.size();
    const auto number = std::from_chars(text.data() + second + 1, end, name.number);
    if (known != std::end(modes) && number.ec == std::errc() && number.ptr == end &&
        std::find(list.begin(), list.end(), name.family) != list.end()) {
      name.mode = *known;
      if (name.mode == Mode::fused && Suite::count(name.family, name.mode, 1) == 0)
        throw ArgumentError("case '" + text + "': the mode fused has cases of matmul, with what follows it");
      if (name.mode != Mode::edges) return name;
      const uint64_t count = Suite::count(name.family, name.mode, 0);
      if (name.number < count) return name;
      throw ArgumentError("case '" + text + "': there are " + std::to_string(count) + " edges of " +
                          name.family + ", from 0");
    }
  }
  std::vector<std::string> mode_names;
  for (const Mode mode : modes) mode_names.push_back(to_string(mode));
  throw ArgumentError("case '" + text + "': expected FAMILY/MODE/NUMBER; families: " +
                      words({families().begin(), families().end()}) + "; modes: " + words(mode_names));
}

Suite::Suite(std::string family, Mode mode, MakeContext make_context)
    : family_(std::move(family)),
      mode_(mode),
      make_context_(std::move(make_context)),
      context_(make_context_(usual_threads)) {
  if (mode == Mode::edges) edges_ = edges(family_);
}

uint64_t Suite::count(const std::string& family, Mode mode, uint64_t cases) {
  if (mode == Mode::edges) return edges(family).size();
  if (mode == Mode::fused && family != "matmul") return 0;
  return (cases + share(mode) - 1) / share(mode);
}

void Suite::choose(uint64_t number) {
  const Fill fill = mode_ == Mode::exact                     ? Fill::exact
                    : mode_ == Mode::real && number % 4 == 3 ? Fill::special
                                                             : Fill::real;
  case_ = make_case(family_, fill, number, mode_ == Mode::threads ? Extent::large : Extent::small);
  if (mode_ == Mode::memory) case_.placement = Placement::aligned;  // where it begins
}

const Spec& Suite::spec(uint64_t number) {
  if (mode_ == Mode::edges) return edges_.at(number).spec;
  if (mode_ == Mode::fused) return case_.spec = fused_spec(number);
  choose(number);
  return case_.spec;
}

std::string Suite::describe(uint64_t number) {
  if (mode_ == Mode::edges)
    return edges_.at(number).name + " (" + plexus::to_string(edges_.at(number).spec) + ")";
  if (mode_ == Mode::fused) return describe_fused(number);
  choose(number);
  return to_string(case_);
}

Result Suite::run(uint64_t number) {
  if (mode_ == Mode::edges) return check(backend(), edges_.at(number));
  if (mode_ == Mode::fused) return check_fused(context_, number);
  choose(number);
  switch (mode_) {
    case Mode::memory:
      return check_memory(backend(), case_);
    case Mode::threads:
      return check_threads(make_context_, case_);
    case Mode::environment:
      return check_environment(context_, case_);
    case Mode::exact:
    case Mode::real:
    case Mode::edges:
    case Mode::fused:
      break;
  }
  return check(backend(), case_);
}

}  // namespace plexus::conformance

// The one place that reads environment variables.
#include <sys/auxv.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "plexus/backends/abi/wait_policy.h"
#include "plexus/backends/plugins.h"
#include "plexus/backends/registry.h"
#include "plexus/core/error.h"

namespace plexus {
namespace {

constexpr const char* backend_path = "PLEXUS_BACKEND_PATH";

const char* process_environment(const char* variable) { return std::getenv(variable); }

constexpr int max_threads = 1024;  // as many as an Executor takes

/// A variable and where its value comes from: an argument before the environment before the default.
class Resolver {
 public:
  Resolver(const Environment::Lookup& lookup, std::vector<Setting>& settings)
      : lookup_(lookup), settings_(settings) {}

  /// The value given in the environment; null: unset.
  const char* given(const char* variable) const { return lookup_(variable); }

  void record(const char* variable, std::string value, const char* origin) {
    settings_.push_back({variable, std::move(value), origin});
  }

  /// The position of the variable's value among `values`; `otherwise` where it is unset, printed as `absent`.
  /// An argument, a position too, goes before it.
  size_t choice(const char* variable, const std::vector<std::string>& values, size_t otherwise,
                const std::string& absent, std::optional<size_t> argument = {}) {
    if (argument) {
      record(variable, *argument < values.size() ? values[*argument] : absent, "argument");
      return *argument;
    }
    const char* value = given(variable);
    if (!value) {
      record(variable, absent, "default");
      return otherwise;
    }
    for (size_t i = 0; i < values.size(); i++)
      if (values[i] == value) {
        record(variable, value, "environment");
        return i;
      }
    std::string valid;
    for (const std::string& name : values) valid += (valid.empty() ? "" : ", ") + name;
    throw ArgumentError(std::string(variable) + ": '" + value + "' is not valid; valid: " + valid);
  }

 private:
  const Environment::Lookup& lookup_;
  std::vector<Setting>& settings_;
};

std::string resolve_backend(const std::string& argument, Resolver& resolver) {
  const char* variable = "PLEXUS_BACKEND";
  const std::vector<BackendRow> table = backends();
  const auto resolve = [&](const std::string& name) { return name == auto_backend ? name : select(name, table).name; };
  if (!argument.empty()) {
    resolver.record(variable, resolve(argument), "argument");
    return argument;
  }
  const char* given = resolver.given(variable);
  if (!given) {
    resolver.record(variable, default_backend(table), "default");
    return default_backend(table);
  }
  try {
    resolver.record(variable, resolve(given), "environment");
  } catch (const BackendError& error) {
    throw BackendError(std::string(variable) + ": " + error.what());
  }
  return given;
}

/// A whole number without sign, blanks or anything behind it.
std::optional<int> parse_count(const char* text) {
  int count = 0;
  const char* end = text + std::strlen(text);
  const auto [rest, error] = std::from_chars(text, end, count);
  if (error != std::errc() || rest != end || count < 1 || count > max_threads) return std::nullopt;
  return count;
}

int resolve_threads(int argument, Resolver& resolver) {
  const char* variable = "PLEXUS_NUM_THREADS";
  const std::string valid = "; valid: 1 to " + std::to_string(max_threads);
  if (argument != 0) {
    if (argument < 1 || argument > max_threads)
      throw ArgumentError("threads: " + std::to_string(argument) + " is not valid" + valid +
                          ", or 0 for those available");
    resolver.record(variable, std::to_string(argument), "argument");
    return argument;
  }
  const char* given = resolver.given(variable);
  if (!given) {
    const int available = Executor::available_threads();
    resolver.record(variable, std::to_string(available), "default");
    return available;
  }
  const auto count = parse_count(given);
  if (!count) throw ArgumentError(std::string(variable) + ": '" + given + "' is not valid" + valid);
  resolver.record(variable, given, "environment");
  return *count;
}

std::string resolve_profile(const std::optional<std::string>& argument, Resolver& resolver) {
  const char* variable = "PLEXUS_PROFILE";
  const char* given = argument ? nullptr : resolver.given(variable);
  if (given && !*given) throw ArgumentError(std::string(variable) + ": '' is not valid; valid: a file to write");
  const std::string file = argument ? *argument : given ? given : "";
  resolver.record(variable, file.empty() ? "none" : file, argument ? "argument" : given ? "environment" : "default");
  return file;
}

/// PLEXUS_CHECK: nan, reference, reference:1/N.
void resolve_check(const ContextOptions& options, Resolver& resolver, Policies& policies) {
  const char* variable = "PLEXUS_CHECK";
  constexpr std::string_view sample = "reference:1/";
  constexpr int64_t most_interval = 1000000000;
  const auto record_sample = [&](const char* origin) {
    policies.check = Check::sample;
    resolver.record(variable, std::string(sample) + std::to_string(policies.check_interval), origin);
  };
  if (options.check == Check::sample) {
    if (options.check_interval < 1 || options.check_interval > most_interval)
      throw ArgumentError("check_interval: " + std::to_string(options.check_interval) + " is not valid; valid: 1 to " + std::to_string(most_interval));
    policies.check_interval = options.check_interval;
    return record_sample("argument");
  }
  if (const char* given = resolver.given(variable); given && !options.check && std::string_view(given).starts_with(sample)) {
    const char *begin = given + sample.size(), *end = given + std::strlen(given);
    const auto [rest, error] = std::from_chars(begin, end, policies.check_interval);
    if (error == std::errc() && rest == end && policies.check_interval >= 1 && policies.check_interval <= most_interval) return record_sample("environment");
    throw ArgumentError(std::string(variable) + ": '" + given + "' is not valid; valid: nan, reference, reference:1/N");
  }
  // A check cannot be asked for by the name "none".
  const Check checks[] = {Check::nan, Check::reference, Check::sample, Check::none};
  std::optional<size_t> position;
  if (options.check) position = size_t(std::find(std::begin(checks), std::end(checks), *options.check) - checks);
  policies.check = checks[resolver.choice(variable, {"nan", "reference", "reference:1/N"}, std::size(checks) - 1, "none", position)];
}

/// The instruction sets of an architecture, from least to most.
std::vector<Isa> instruction_sets(const std::string& architecture) {
  if (architecture == "x86_64") return {Isa::scalar, Isa::avx2, Isa::avx512};
  if (architecture == "aarch64") return {Isa::scalar, Isa::neon};
  return {Isa::scalar};
}

Isa resolve_max_isa(const Cpu& machine, Resolver& resolver) {
  const char* variable = "PLEXUS_MAX_ISA";
  const std::vector<Isa> sets = instruction_sets(machine.architecture);
  std::vector<std::string> names;
  size_t best = 0;
  for (size_t i = 0; i < sets.size(); i++) {
    names.push_back(to_string(sets[i]));
    if (sets[i] == machine.isa) best = i;
  }
  const size_t chosen = resolver.choice(variable, names, best, names[best]);
  if (chosen > best)
    throw ArgumentError(std::string(variable) + ": '" + names[chosen] +
                        "' is more than this CPU has; valid: up to " + names[best]);
  return sets[chosen];
}

void resolve_backend_path(const Environment::Lookup& lookup, Resolver& resolver) {
  std::string problem;
  const std::vector<std::string> path = plugins::environment_path(lookup, problem);
  if (!problem.empty()) throw ArgumentError(problem);
  std::string value;
  for (const std::string& entry : path) value += (value.empty() ? "" : ":") + entry;
  const char* given = resolver.given(backend_path);
  resolver.record(backend_path, value.empty() ? "none" : value,
                  !given                 ? "default"
                  : getauxval(AT_SECURE) ? "environment, ignored: runs set-uid"
                                         : "environment");
}

}  // namespace

std::vector<std::string> plugins::environment_path(const Environment::Lookup& lookup, std::string& problem) {
  // Who runs a program with more rights than he has must not choose the code that it loads.
  const char* given = getauxval(AT_SECURE) ? nullptr : lookup(backend_path);
  std::vector<std::string> path;
  for (std::string_view rest = given ? given : ""; !rest.empty();) {
    const size_t end = std::min(rest.find(':'), rest.size());
    const std::string entry(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (entry.starts_with('/'))
      path.push_back(entry);
    else if (problem.empty())
      problem = std::string(backend_path) + ": '" + entry +
                "' is not valid; valid: absolute directories and files, with : between them";
  }
  return path;
}

std::vector<std::string> plugins::environment_path() {
  std::string problem;
  return environment_path(process_environment, problem);
}

std::string cache_directory() {
  if (getauxval(AT_SECURE)) return "";
  // As the XDG Base Directory Specification has it: a relative path is no value.
  const auto absolute = [](const char* path) { return path && *path == '/'; };
  if (const char* cache = process_environment("XDG_CACHE_HOME"); absolute(cache)) return std::string(cache) + "/plexus";
  const char* home = process_environment("HOME");
  return absolute(home) ? std::string(home) + "/.cache/plexus" : "";
}

std::string abi::given_wait_policy() {
  for (const char* variable : {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"})
    if (const char* value = process_environment(variable)) return variable + ("=" + std::string(value));
  return "";
}

Environment Environment::resolve(const ContextOptions& options) {
  return resolve(options, process_environment);
}

Environment Environment::resolve(const ContextOptions& options, const Lookup& lookup, const Cpu& machine) {
  Environment result;
  Resolver resolver(lookup, result.settings);
  result.backend = resolve_backend(options.backend, resolver);
  result.threads = resolve_threads(options.threads, resolver);
  result.max_isa = resolve_max_isa(machine, resolver);
  resolve_backend_path(lookup, resolver);

  // The positions in these lists are the values of the enumerations.
  Policies& policies = result.policies;
  std::optional<size_t> fallback;
  if (options.fallback) fallback = size_t(*options.fallback);
  policies.fallback = Fallback(resolver.choice("PLEXUS_FALLBACK", {"error", "warn", "allow"},
                                               size_t(Fallback::warn), "warn", fallback));
  policies.verbose = int(resolver.choice("PLEXUS_VERBOSE", {"0", "1", "2", "3"}, 0, "0"));
  result.profile = resolve_profile(options.profile, resolver);
  resolve_check(options, resolver, policies);
  return result;
}

}  // namespace plexus

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "plexus/backends/registry.h"
#include "plexus/core/error.h"

namespace plexus {
namespace {

using Variables = std::map<std::string, std::string>;

const Cpu x86 = {.name = "some x86", .architecture = "x86_64", .isa = Isa::avx2};
const Cpu arm = {.name = "some Arm", .architecture = "aarch64", .isa = Isa::neon};

Environment resolve(const Variables& variables, const ContextOptions& options = {},
                    const Cpu& machine = x86) {
  return Environment::resolve(
      options,
      [&](const char* name) -> const char* {
        const auto found = variables.find(name);
        return found == variables.end() ? nullptr : found->second.c_str();
      },
      machine);
}

template <class E>
std::string message(const Variables& variables, const ContextOptions& options = {},
                    const Cpu& machine = x86) {
  try {
    resolve(variables, options, machine);
  } catch (const E& error) {
    return error.what();
  }
  return "no error";
}

/// "value (origin)" of a variable.
std::string setting(const Environment& environment, const std::string& variable) {
  for (const Setting& s : environment.settings)
    if (s.variable == variable) return s.value + " (" + s.origin + ")";
  return "not listed";
}

TEST(Environment, HasDefaultsForEverything) {
  const Environment environment = resolve({});
  EXPECT_EQ(environment.backend, default_backend(backends()));
  EXPECT_EQ(environment.threads, Executor::available_threads());
  EXPECT_EQ(environment.max_isa, Isa::avx2);
  EXPECT_EQ(environment.policies.fallback, Fallback::warn);
  EXPECT_EQ(environment.policies.check, Check::none);
  EXPECT_EQ(environment.policies.verbose, 0);
}

TEST(Environment, ListsEverySettingWithItsOrigin) {
  const Environment defaults = resolve({});
  ASSERT_EQ(defaults.settings.size(), 8u);
  EXPECT_EQ(setting(defaults, "PLEXUS_BACKEND"), default_backend(backends()) + " (default)");
  EXPECT_EQ(setting(defaults, "PLEXUS_NUM_THREADS"),
            std::to_string(Executor::available_threads()) + " (default)");
  EXPECT_EQ(setting(defaults, "PLEXUS_MAX_ISA"), "avx2 (default)");
  EXPECT_EQ(setting(defaults, "PLEXUS_BACKEND_PATH"), "none (default)");
  EXPECT_EQ(setting(defaults, "PLEXUS_FALLBACK"), "warn (default)");
  EXPECT_EQ(setting(defaults, "PLEXUS_VERBOSE"), "0 (default)");
  EXPECT_EQ(setting(defaults, "PLEXUS_PROFILE"), "none (default)");
  EXPECT_EQ(setting(defaults, "PLEXUS_CHECK"), "none (default)");

  const Environment given = resolve({{"PLEXUS_BACKEND", "reference"},
                                     {"PLEXUS_NUM_THREADS", "7"},
                                     {"PLEXUS_MAX_ISA", "scalar"},
                                     {"PLEXUS_BACKEND_PATH", "/one:/two/three.so"},
                                     {"PLEXUS_FALLBACK", "error"},
                                     {"PLEXUS_VERBOSE", "2"},
                                     {"PLEXUS_PROFILE", "trace.json"},
                                     {"PLEXUS_CHECK", "nan"}});
  ASSERT_EQ(given.settings.size(), 8u);
  EXPECT_EQ(setting(given, "PLEXUS_BACKEND"), "reference (environment)");
  EXPECT_EQ(setting(given, "PLEXUS_NUM_THREADS"), "7 (environment)");
  EXPECT_EQ(setting(given, "PLEXUS_MAX_ISA"), "scalar (environment)");
  EXPECT_EQ(setting(given, "PLEXUS_BACKEND_PATH"), "/one:/two/three.so (environment)");
  EXPECT_EQ(setting(given, "PLEXUS_FALLBACK"), "error (environment)");
  EXPECT_EQ(setting(given, "PLEXUS_VERBOSE"), "2 (environment)");
  EXPECT_EQ(setting(given, "PLEXUS_PROFILE"), "trace.json (environment)");
  EXPECT_EQ(given.profile, "trace.json");
  EXPECT_EQ(setting(given, "PLEXUS_CHECK"), "nan (environment)");
  EXPECT_EQ(given.backend, "reference");
  EXPECT_EQ(given.threads, 7);
  EXPECT_EQ(given.max_isa, Isa::scalar);
  EXPECT_EQ(given.policies.fallback, Fallback::error);
  EXPECT_EQ(given.policies.verbose, 2);
  EXPECT_EQ(given.policies.check, Check::nan);
}

TEST(Environment, TakesEveryValidValue) {
  const std::map<std::string, Fallback> fallbacks = {
      {"error", Fallback::error}, {"warn", Fallback::warn}, {"allow", Fallback::allow}};
  for (const auto& [name, value] : fallbacks)
    EXPECT_EQ(resolve({{"PLEXUS_FALLBACK", name}}).policies.fallback, value) << name;
  for (int level = 0; level <= 3; level++)
    EXPECT_EQ(resolve({{"PLEXUS_VERBOSE", std::to_string(level)}}).policies.verbose, level);
  EXPECT_EQ(resolve({{"PLEXUS_CHECK", "nan"}}).policies.check, Check::nan);
  EXPECT_EQ(resolve({{"PLEXUS_CHECK", "reference"}}).policies.check, Check::reference);
  for (const int64_t interval : {int64_t(1), int64_t(1000), int64_t(1000000000)}) {
    const Environment sample = resolve({{"PLEXUS_CHECK", "reference:1/" + std::to_string(interval)}});
    EXPECT_EQ(sample.policies.check, Check::sample);
    EXPECT_EQ(sample.policies.check_interval, interval);
    EXPECT_EQ(setting(sample, "PLEXUS_CHECK"), "reference:1/" + std::to_string(interval) + " (environment)");
  }
  for (const int count : {1, 2, 1024})
    EXPECT_EQ(resolve({{"PLEXUS_NUM_THREADS", std::to_string(count)}}).threads, count);
}

TEST(Environment, ArgumentsOverrideIt) {
  const Environment environment = resolve({{"PLEXUS_BACKEND", "onednn"}, {"PLEXUS_NUM_THREADS", "7"}},
                                          {.backend = "reference", .threads = 3});
  EXPECT_EQ(environment.backend, "reference");
  EXPECT_EQ(environment.threads, 3);
  EXPECT_EQ(setting(environment, "PLEXUS_BACKEND"), "reference (argument)");
  EXPECT_EQ(setting(environment, "PLEXUS_NUM_THREADS"), "3 (argument)");
}

TEST(Environment, ArgumentsOverrideItsPolicies) {
  const Variables variables = {{"PLEXUS_FALLBACK", "warn"}, {"PLEXUS_CHECK", "nonsense"}};
  for (const auto& [value, name] : {std::pair(Fallback::error, "error"), std::pair(Fallback::warn, "warn"),
                                    std::pair(Fallback::allow, "allow")}) {
    const Environment environment = resolve(variables, {.fallback = value, .check = Check::nan});
    EXPECT_EQ(environment.policies.fallback, value);
    EXPECT_EQ(setting(environment, "PLEXUS_FALLBACK"), name + std::string(" (argument)"));
  }
  for (const auto& [value, name] : {std::pair(Check::none, "none"), std::pair(Check::nan, "nan"),
                                    std::pair(Check::reference, "reference")}) {
    const Environment environment = resolve(variables, {.check = value});
    EXPECT_EQ(environment.policies.check, value);
    EXPECT_EQ(setting(environment, "PLEXUS_CHECK"), name + std::string(" (argument)"));
  }
  const Environment own = resolve({{"PLEXUS_PROFILE", "theirs"}}, {.profile = "mine"});
  EXPECT_EQ(own.profile, "mine");
  EXPECT_EQ(setting(own, "PLEXUS_PROFILE"), "mine (argument)");
  EXPECT_EQ(resolve({{"PLEXUS_PROFILE", "theirs"}}, {.profile = ""}).profile, "");
  EXPECT_EQ(message<ArgumentError>({{"PLEXUS_PROFILE", ""}}), "PLEXUS_PROFILE: '' is not valid; valid: a file to write");
  const Environment sample = resolve(variables, {.check = Check::sample, .check_interval = 20});
  EXPECT_EQ(sample.policies.check, Check::sample);
  EXPECT_EQ(sample.policies.check_interval, 20);
  EXPECT_EQ(setting(sample, "PLEXUS_CHECK"), "reference:1/20 (argument)");
  EXPECT_THROW(resolve(variables, {.check = Check::sample, .check_interval = 0}), ArgumentError);
}

TEST(Environment, DoesNotLookAtWhatIsOverridden) {
  const Variables wrong = {{"PLEXUS_BACKEND", "nonsense"}, {"PLEXUS_NUM_THREADS", "nonsense"}};
  EXPECT_NO_THROW(resolve(wrong, {.backend = "reference", .threads = 1}));
  EXPECT_THROW(resolve(wrong, {.threads = 1}), BackendError);
  EXPECT_THROW(resolve(wrong, {.backend = "reference"}), ArgumentError);
}

TEST(EnvironmentBackend, AnEmptyNameIsNotAnAbsentOne) {
  EXPECT_TRUE(
      message<BackendError>({{"PLEXUS_BACKEND", ""}})
          .starts_with(
              "PLEXUS_BACKEND: the name of the backend is empty: name one, or unset it (available: "));
}

TEST(EnvironmentBackend, SaysWhereAWrongNameCameFrom) {
  EXPECT_TRUE(
      message<BackendError>({{"PLEXUS_BACKEND", "refrence"}})
          .starts_with("PLEXUS_BACKEND: unknown backend 'refrence': did you mean 'reference'? (available: "));
  EXPECT_TRUE(message<BackendError>({}, {.backend = "refrence"})
                  .starts_with("unknown backend 'refrence': did you mean 'reference'? (available: "));
}

TEST(EnvironmentThreads, RefusesAllThatIsNoCount) {
  for (const std::string wrong :
       {"", "0", "-1", "+2", "1025", "two", "2x", " 2", "2 ", "1.5", "0x2", "99999999999"})
    EXPECT_EQ(message<ArgumentError>({{"PLEXUS_NUM_THREADS", wrong}}),
              "PLEXUS_NUM_THREADS: '" + wrong + "' is not valid; valid: 1 to 1024");
}

TEST(EnvironmentThreads, RefusesAWrongArgument) {
  EXPECT_EQ(message<ArgumentError>({}, {.threads = -1}),
            "threads: -1 is not valid; valid: 1 to 1024, or 0 for those available");
  EXPECT_EQ(message<ArgumentError>({}, {.threads = 1025}),
            "threads: 1025 is not valid; valid: 1 to 1024, or 0 for those available");
}

TEST(EnvironmentMaxIsa, CapsWhatTheCpuHas) {
  EXPECT_EQ(resolve({{"PLEXUS_MAX_ISA", "avx2"}}).max_isa, Isa::avx2);
  EXPECT_EQ(resolve({{"PLEXUS_MAX_ISA", "scalar"}}).max_isa, Isa::scalar);
  EXPECT_EQ(resolve({}, {}, arm).max_isa, Isa::neon);
  EXPECT_EQ(resolve({{"PLEXUS_MAX_ISA", "scalar"}}, {}, arm).max_isa, Isa::scalar);
  EXPECT_EQ(resolve({}, {}, {.name = "other", .architecture = "riscv64"}).max_isa, Isa::scalar);
}

TEST(EnvironmentMaxIsa, RefusesMoreThanTheCpuHas) {
  EXPECT_EQ(message<ArgumentError>({{"PLEXUS_MAX_ISA", "avx512"}}),
            "PLEXUS_MAX_ISA: 'avx512' is more than this CPU has; valid: up to avx2");
}

TEST(EnvironmentMaxIsa, RefusesWhatTheArchitectureDoesNotKnow) {
  for (const std::string wrong : {"", "neon", "sse4", "AVX2"})
    EXPECT_EQ(message<ArgumentError>({{"PLEXUS_MAX_ISA", wrong}}),
              "PLEXUS_MAX_ISA: '" + wrong + "' is not valid; valid: scalar, avx2, avx512");
  EXPECT_EQ(message<ArgumentError>({{"PLEXUS_MAX_ISA", "avx2"}}, {}, arm),
            "PLEXUS_MAX_ISA: 'avx2' is not valid; valid: scalar, neon");
}

TEST(EnvironmentPolicies, ErrorsListTheValidValues) {
  for (const std::string wrong : {"", "Warn", "never"})
    EXPECT_EQ(message<ArgumentError>({{"PLEXUS_FALLBACK", wrong}}),
              "PLEXUS_FALLBACK: '" + wrong + "' is not valid; valid: error, warn, allow");
  for (const std::string wrong : {"", "4", "-1", "yes", "01"})
    EXPECT_EQ(message<ArgumentError>({{"PLEXUS_VERBOSE", wrong}}),
              "PLEXUS_VERBOSE: '" + wrong + "' is not valid; valid: 0, 1, 2, 3");
  for (const std::string wrong : {"", "none", "NaN", "all"})
    EXPECT_EQ(message<ArgumentError>({{"PLEXUS_CHECK", wrong}}),
              "PLEXUS_CHECK: '" + wrong + "' is not valid; valid: nan, reference, reference:1/N");
  for (const std::string wrong : {"reference:", "reference:1/", "reference:1/N", "reference:1/0", "reference:1/-5",
                                  "reference:1/10x", "reference:1/1000000001", "reference:2/10", "nan:1/10"})
    EXPECT_EQ(message<ArgumentError>({{"PLEXUS_CHECK", wrong}}),
              "PLEXUS_CHECK: '" + wrong + "' is not valid; valid: nan, reference, reference:1/N");
}

/// A backend that only makes a context possible.
class Empty final : public Backend {
  std::string name() const override { return "empty"; }
  Claim claim(const plexus::Run&) const override { return {}; }
};

/// A variable of this process, set while the object lives.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const char* value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old, was_set_ = true;
    setenv(name, value, 1);
  }
  ~ScopedVariable() { was_set_ ? setenv(name_, old_.c_str(), 1) : unsetenv(name_); }

 private:
  const char* name_;
  std::string old_;
  bool was_set_ = false;
};

TEST(Environment, IsReadFromTheProcess) {
  const ScopedVariable threads("PLEXUS_NUM_THREADS", "5");
  EXPECT_EQ(Environment::resolve().threads, 5);
}

TEST(ContextLog, TellsTheChoiceFromVerboseOneOn) {
  std::vector<std::string> lines;
  const ContextOptions options{
      .backend = "reference", .threads = 2, .sink = [&](LogLevel level, const std::string& s) {
        EXPECT_EQ(level, LogLevel::choice);
        lines.push_back(s);
      }};
  {
    const ScopedVariable verbose("PLEXUS_VERBOSE", "0");
    make_context(options);
    EXPECT_TRUE(lines.empty());
  }
  const ScopedVariable verbose("PLEXUS_VERBOSE", "1");
  make_context(options);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_TRUE(lines[0].starts_with("PLEXUS_BACKEND=reference (argument), PLEXUS_NUM_THREADS=2 (argument), "))
      << lines[0];
}

TEST(ContextLog, PassesLevelsUpToVerbose) {
  for (int verbose = 0; verbose <= 3; verbose++) {
    std::vector<LogLevel> levels;
    std::vector<std::unique_ptr<const Backend>> list;
    list.push_back(std::make_unique<Empty>());
    const Context context(std::make_shared<const Executor>(1), std::move(list), {.verbose = verbose},
                          [&](LogLevel level, const std::string&) { levels.push_back(level); });
    for (const LogLevel level : {LogLevel::warning, LogLevel::choice, LogLevel::kernel, LogLevel::run})
      context.log(level, "line");
    EXPECT_EQ(int(levels.size()), verbose + 1);
    for (const LogLevel level : levels) EXPECT_LE(int(level), verbose);
  }
}

TEST(ContextLog, IsSilentWithoutASink) {
  const Context context = make_context({.backend = "reference", .threads = 1, .sink = {}});
  EXPECT_NO_THROW(context.log(LogLevel::warning, "nobody hears this"));
}

TEST(Context, RefusesAnEmptyListOfBackends) {
  try {
    Context(std::make_shared<const Executor>(1), {});
    FAIL() << "no error";
  } catch (const BackendError& error) {
    EXPECT_STREQ(error.what(), "context: no backend given; the last one must have every operation");
  }
}

}  // namespace
}  // namespace plexus

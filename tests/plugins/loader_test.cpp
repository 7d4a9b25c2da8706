// From a file to a backend: every way in which it can go wrong, each with its words, and the process alive
// and as it was.
#include <fenv.h>
#include <signal.h>
#include <unistd.h>

#include <clocale>
#include <cstring>
#include <filesystem>

#include "plexus/core/executor.h"
#include "plugins/plugin_files.h"
#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace plexus::plugin_tests {
namespace {

std::string failed(const std::string& name, const std::string& file, const std::string& problem) {
  return "backend '" + name + "': failed to load: " + file + ": " + problem;
}

/// A copy of a good plugin, changed.
std::string damaged(const Directory& directory, const std::string& name, size_t at,
                    const std::string& bytes) {
  std::string content = read_file(zoo("sound"));
  content.replace(at, bytes.size(), bytes);
  return directory.write(name + ".so", content);
}

TEST(Loader, LoadsAPluginAndRunsIt) {
  const BackendRow loaded = load_backend(zoo("sound"));
  EXPECT_EQ(loaded.name, "sound");
  EXPECT_EQ(loaded.file, zoo("sound"));
  EXPECT_EQ(loaded.description, "from the zoo, 3.1");
  EXPECT_TRUE(loaded.built && loaded.usable && loaded.loaded);
  EXPECT_EQ(loaded.reason, "");
  EXPECT_EQ(loaded.deviations, "");
  EXPECT_EQ(loaded.note, "");
  Plan plan = relu_plan(context("sound"));
  EXPECT_EQ(plan.rows()[0].backend, "sound");
  EXPECT_EQ(plan.rows()[0].description, "from the zoo");
  EXPECT_EQ(plan.rows()[0].why, "chosen");
  expect_relu(plan);
  EXPECT_EQ(load_backend(zoo("sound")).name, "sound") << "a second time is no error";
}

TEST(Loader, SaysWhatItLoaded) {
  load_backend(zoo("sound"));
  std::vector<std::string> lines;
  setenv("PLEXUS_VERBOSE", "1", 1);
  make_context(
      {.backend = "sound", .sink = [&](LogLevel, const std::string& text) { lines.push_back(text); }});
  unsetenv("PLEXUS_VERBOSE");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[1], "backend 'sound': from the zoo, 3.1, " + zoo("sound"));
}

TEST(Loader, RefusesWhatIsNoSharedObject) {
  const Directory directory;
  const std::string text = directory.write("text.so", "this is not a library\n");
  EXPECT_EQ(load_message(text),
            failed("text", text, "not a shared object: it does not begin as an ELF file"));
  const std::string empty = directory.write("empty.so", "");
  EXPECT_EQ(load_message(empty), failed("empty", empty, "empty: not a shared object"));
  std::filesystem::create_directory(directory / "folder.so");
  EXPECT_EQ(load_message(directory / "folder.so"),
            failed("folder", directory / "folder.so", "not a regular file"));
  const std::string missing = directory / "missing.so";
  EXPECT_EQ(load_message(missing), failed("missing", missing, "No such file or directory"));
}

TEST(Loader, RefusesOtherMachines) {
  const Directory directory;
  const std::string problem = "made for another machine, this one is 64-bit ";
  const std::string processor =
      damaged(directory, "processor", 18, std::string("\x08\x00", 2));  // e_machine: MIPS
  EXPECT_TRUE(load_message(processor).starts_with(failed("processor", processor, problem)));
  const std::string bits = damaged(directory, "bits", 4, "\x01");  // EI_CLASS: 32 bits
  EXPECT_TRUE(load_message(bits).starts_with(failed("bits", bits, problem)));
  const std::string order = damaged(directory, "order", 5, "\x02");  // EI_DATA: the other byte order
  EXPECT_TRUE(load_message(order).starts_with(failed("order", order, problem)));
  const std::string object =
      damaged(directory, "object", 16, std::string("\x01\x00", 2));  // e_type: relocatable
  EXPECT_EQ(load_message(object),
            failed("object", object, "not a shared object: an ELF file of another kind"));
}

TEST(Loader, RefusesAFileThatIsCutOffAnywhere) {
  const Directory directory;
  const std::string content = read_file(zoo("sound"));
  int refused = 0, loaded = 0;
  for (size_t part = 1; part < 64; part++) {
    const std::string name = "cut" + std::to_string(part);
    const std::string file = directory.write(name + ".so", content.substr(0, content.size() * part / 64));
    // Behind the last segment lie only names for debuggers: without these it is whole; it calls itself
    // otherwise, though.
    const std::string said = load_message(file);
    if (said.find("says that it is backend 'sound'") != std::string::npos)
      loaded++;
    else
      refused += said.find(": cut off: has ") != std::string::npos;
  }
  EXPECT_EQ(refused + loaded, 63);
  EXPECT_GE(refused, 10);
  const std::string header = directory.write("header.so", content.substr(0, 40));
  EXPECT_EQ(load_message(header), failed("header", header, "cut off: has 40 bytes, needs 64"));
}

TEST(Loader, RefusesWhatIsNoPlugin) {
  EXPECT_EQ(load_message(zoo("no_symbol")),
            failed("no_symbol", zoo("no_symbol"),
                   "not a plugin of Plexus: it does not export plexus_backend_open_v1"));
  const std::string name = std::string(ZOO_DIRECTORY) + "/no.plugin";
  EXPECT_EQ(load_message(name),
            name + ": not the name of a plugin: NAME.so, NAME made of letters, digits, _ and -");
  EXPECT_EQ(load_message(zoo("misnamed")),
            failed("misnamed", zoo("misnamed"),
                   "says that it is backend 'another': its file must be named another.so"));
}

TEST(Loader, RefusesOtherVersions) {
  const std::string problem =
      "made for version 2 of the backend ABI, this Plexus has version 1: build the plugin against this "
      "Plexus, or update Plexus";
  EXPECT_EQ(load_message(zoo("newer_major")), failed("newer_major", zoo("newer_major"), problem));
  EXPECT_EQ(load_message(zoo("next_symbol")), failed("next_symbol", zoo("next_symbol"), problem));
  EXPECT_EQ(load_message(zoo("older_major")),
            failed("older_major", zoo("older_major"),
                   "made for version 0 of the backend ABI, this Plexus has version 1: build the plugin against this "
                   "Plexus, or update Plexus"));
}

TEST(Loader, RefusesIncompleteTables) {
  EXPECT_EQ(load_message(zoo("null_table")),
            failed("null_table", zoo("null_table"), "returned no backend, and did not say why"));
  EXPECT_EQ(load_message(zoo("refuses")), failed("refuses", zoo("refuses"), "not on a Tuesday"));
  EXPECT_EQ(load_message(zoo("null_required")),
            failed("null_required", zoo("null_required"), "its table lacks 'takes', which is required"));
  EXPECT_EQ(load_message(zoo("null_name")),
            failed("null_name", zoo("null_name"), "its table lacks 'name', which is required"));
  EXPECT_EQ(load_message(zoo("small_table")),
            failed("small_table", zoo("small_table"), "its table has 71 bytes, at least 72 are required"));
  EXPECT_EQ(load_message(zoo("empty_table")),
            failed("empty_table", zoo("empty_table"), "its table has 0 bytes, at least 72 are required"));
}

TEST(Loader, SurvivesExceptionsWhileItLoads) {
  EXPECT_EQ(
      load_message(zoo("open_throws")),
      failed("open_throws", zoo("open_throws"), "threw an exception while it opened: thrown on opening"));
  EXPECT_EQ(load_message(zoo("open_throws_int")),
            failed("open_throws_int", zoo("open_throws_int"), "threw an exception while it opened"));
  EXPECT_EQ(load_message(zoo("score_throws")),
            "backend 'score_throws': not usable on this machine: thrown in score");
}

TEST(Loader, RefusesWhoAsksForBackendsWhileItLoads) {
  if (!std::filesystem::exists(zoo("reentrant"))) GTEST_SKIP() << "a static Plexus has no functions for plugins";
  EXPECT_EQ(load_message(zoo("reentrant")),
            failed("reentrant", zoo("reentrant"),
                   "threw an exception while it opened: a plugin cannot ask for backends while it is being loaded"));
  EXPECT_NO_THROW(backends()) << "and nobody holds the lock";
}

TEST(Loader, LivesWithThreadsThatAPluginStarts) {
  load_backend(zoo("starts_threads"));
  Plan plan = relu_plan(context("starts_threads"));
  EXPECT_EQ(plan.rows()[0].backend, "starts_threads");
  expect_relu(plan);
}

TEST(Loader, TakesAKernelWithoutWords) {
  load_backend(zoo("describes_nothing"));
  Plan plan = relu_plan(context("describes_nothing"));
  EXPECT_EQ(plan.rows()[0].description, "");
  expect_relu(plan);
}

TEST(Loader, NamesAMissingDependency) {
  const std::string said = load_message(zoo("missing_dependency"));
  EXPECT_TRUE(said.starts_with(
      failed("missing_dependency", zoo("missing_dependency"), "libplexus_zoo_dependency.so")))
      << said;
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "No such file", said);
}

TEST(Loader, RefusesANameThatIsTaken) {
  EXPECT_NO_THROW(load_backend(zoo("first/twin")));
  EXPECT_EQ(load_message(zoo("second/twin")),
            zoo("second/twin") + ": backend 'twin' is loaded already, from " + zoo("first/twin"));
  EXPECT_EQ(row("twin").file, zoo("first/twin"));
  EXPECT_EQ(load_message(zoo("first/reference")),
            zoo("first/reference") +
                ": backend 'reference' is part of Plexus itself: the plugin needs another name");
  EXPECT_EQ(row("reference").file, "");
}

TEST(Loader, AsksWhetherThePluginRunsHere) {
  EXPECT_EQ(load_message(zoo("scores_zero")),
            "backend 'scores_zero': not usable on this machine: needs a quantum processor");
  EXPECT_EQ(row("scores_zero").reason, "not usable on this machine: needs a quantum processor");
}

TEST(Loader, TheReasonOfAFailureStaysInTheTable) {
  const Directory directory;
  const std::string file = directory.write("remembered.so", "text");
  const std::string said = load_message(file);
  const BackendRow there = row("remembered");
  EXPECT_FALSE(there.usable);
  EXPECT_EQ("backend 'remembered': " + there.reason, said);
  const std::string later = message<BackendError>([] { context("remembered"); });
  EXPECT_TRUE(later.starts_with(said + " (available: ")) << later;
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "; failed: ", later);
  // Mended, and asked for by its path again, it is looked at again.
  directory.write("remembered.so", "other text");
  EXPECT_EQ(load_message(file), said);
}

TEST(Loader, TakesOlderNewerAndShorterTables) {
  for (const std::string name : {"newer_minor", "short_table"}) {
    EXPECT_TRUE(load_backend(zoo(name)).usable) << name;
    Plan plan = relu_plan(context(name));
    EXPECT_EQ(plan.rows()[0].backend, name);
    expect_relu(plan);
  }
  // What lies beyond the short table is absent, not whatever is in memory there.
  EXPECT_EQ(row("short_table").description, "a plugin");
  EXPECT_EQ(relu_plan(context("short_table")).rows()[0].description, "");
}

TEST(Loader, TakesWhatOtherCompilersMake) {
  const std::vector<std::string> files = foreign_plugins();
  EXPECT_GE(files.size(), 3u) << "GCC at least is there";
  for (const std::string& file : files) {
    const std::string name = load_backend(file).name;
    Plan plan = relu_plan(context(name));
    EXPECT_EQ(plan.rows()[0].backend, name);
    expect_relu(plan);
  }
}

#if defined(__SSE2__)
TEST(Loader, KeepsDenormals) {
  const unsigned before = _mm_getcsr() & ~0x3fu;
  const BackendRow loaded = load_backend(zoo("flushes_denormals"));
  EXPECT_EQ(_mm_getcsr() & ~0x3fu, before);
  volatile float smallest = 1e-40f;
  EXPECT_GT(smallest * 0.5f, 0.0f);
  EXPECT_EQ(loaded.note, "changed while it loaded, put back since: floating-point modes")
      << "the plugin no longer does what this test is about";
  Plan plan = relu_plan(context("flushes_denormals"));
  expect_relu(plan);
  EXPECT_EQ(_mm_getcsr() & ~0x3fu, before);
}
#endif

TEST(Loader, PutsTheProcessBack) {
  const std::string locale = std::setlocale(LC_ALL, nullptr), directory = std::filesystem::current_path();
  struct sigaction before, after;
  sigaction(SIGUSR2, nullptr, &before);
  const BackendRow loaded = load_backend(zoo("changes_process"));
  EXPECT_EQ(
      loaded.note,
      "changed while it loaded, put back since: locale, signal handlers, blocked signals, working directory");
  EXPECT_EQ(std::setlocale(LC_ALL, nullptr), locale);
  EXPECT_EQ(std::filesystem::current_path(), directory);
  sigaction(SIGUSR2, nullptr, &after);
  EXPECT_EQ(after.sa_handler, before.sa_handler);
  sigset_t mask;
  sigprocmask(SIG_BLOCK, nullptr, &mask);
  EXPECT_FALSE(sigismember(&mask, SIGUSR1));
}

}  // namespace
}  // namespace plexus::plugin_tests

// Where plugins are looked for, and where not.
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>

#include "plugins/plugin_files.h"

namespace plexus::plugin_tests {
namespace {

namespace fs = std::filesystem;

/// PLEXUS_BACKEND_PATH of this process, while the object lives.
class Path {
 public:
  explicit Path(const std::string& value) { setenv("PLEXUS_BACKEND_PATH", value.c_str(), 1); }
  ~Path() { unsetenv("PLEXUS_BACKEND_PATH"); }
};

/// A copy of the sound plugin that says that it is `name`; names of one length.
std::string plugin(const Directory& directory, const std::string& name, const std::string& folder = "") {
  std::string content = read_file(zoo("sound"));
  EXPECT_EQ(name.size(), std::string("sound").size());
  for (size_t at = 0; (at = content.find(std::string("sound") + '\0', at)) != std::string::npos; at++)
    content.replace(at, name.size(), name);
  if (!folder.empty()) fs::create_directory(directory / folder);
  return directory.write((folder.empty() ? "" : folder + "/") + name + ".so", content);
}

std::string said(const std::string& file) { return load_message(file); }

TEST(Path, ListsFilesAndLoadsThemWhenNamed) {
  const Directory directory;
  const std::string file = plugin(directory, "pathA");
  directory.write("readme.txt", "not a plugin");
  const Path path(directory.path);
  const BackendRow found = row("pathA");
  EXPECT_EQ(found.file, file);
  EXPECT_FALSE(found.loaded);
  EXPECT_TRUE(found.usable);
  EXPECT_EQ(found.description, "a plugin, loaded when named");
  EXPECT_EQ(Environment::resolve({.backend = "pathA"}).backend, "pathA");
  EXPECT_FALSE(row("pathA").loaded) << "asking for settings loads nothing";
  Plan plan = relu_plan(context("pathA"));
  expect_relu(plan);
  EXPECT_TRUE(row("pathA").loaded);
}

TEST(Path, MayNameFiles) {
  const Directory directory;
  const std::string file = plugin(directory, "pathB");
  plugin(directory, "pathC");
  const Path path(file);
  EXPECT_EQ(row("pathB").file, file);
  for (const BackendRow& other : backends()) EXPECT_NE(other.name, "pathC");
}

TEST(Path, TheFirstOfANameWins) {
  const Directory directory;
  const std::string first = plugin(directory, "pathD", "one"), second = plugin(directory, "pathD", "two");
  {
    const Path path((directory / "one") + ":" + (directory / "two"));
    EXPECT_EQ(row("pathD").file, first);
    EXPECT_EQ(row("pathD").note, "hides " + second);
  }
  const Path path((directory / "two") + ":" + (directory / "one"));
  EXPECT_EQ(row("pathD").file, second);
  // What the program itself loads goes before any path.
  load_backend(first);
  EXPECT_EQ(row("pathD").file, first);
}

TEST(Path, NeverHidesABackendOfPlexus) {
  const Directory directory;
  const std::string file = directory.write("reference.so", "text");
  const Path path(directory.path);
  EXPECT_EQ(row("reference").file, "");
  EXPECT_EQ(row("reference").note, "hides " + file);
}

TEST(Path, AbsoluteOnly) {
  for (const std::string wrong : {"plugins", "./plugins", "/somewhere:plugins", "/somewhere::/else", ":"}) {
    const Path path(wrong);
    const std::string text = message<ArgumentError>([] { Environment::resolve(); });
    EXPECT_TRUE(text.starts_with("PLEXUS_BACKEND_PATH: '")) << text;
    EXPECT_TRUE(text.ends_with("' is not valid; valid: absolute directories and files, with : between them"))
        << text;
  }
  const Path none("");
  EXPECT_NO_THROW(Environment::resolve());
}

TEST(Path, NeverLooksInTheCurrentDirectory) {
  const Directory directory;
  plugin(directory, "pathE");
  const fs::path before = fs::current_path();
  fs::current_path(directory.path);
  for (const std::string value : {"", ".", ":"}) {
    const Path path(value);
    for (const BackendRow& other : backends()) EXPECT_NE(other.name, "pathE") << value;
  }
  EXPECT_EQ(said("pathE.so"), "backend 'pathE': failed to load: pathE.so: not an absolute path");
  fs::current_path(before);
}

TEST(Path, RefusesWhatEverybodyMayWrite) {
  const Directory directory;
  const std::string file = plugin(directory, "pathF");
  const auto failed = [&](const std::string& path, const std::string& problem) {
    return "backend 'pathF': failed to load: " + path + ": everybody may write to " + problem;
  };
  chmod(file.c_str(), 0666);
  EXPECT_EQ(said(file), failed(file, "it, and so run code here: chmod o-w"));
  chmod(file.c_str(), 0644);
  chmod(directory.path.c_str(), 0777);
  const std::string problem = directory.path + ", and so run code here: chmod o-w, or move it";
  EXPECT_EQ(said(file), failed(file, problem));
  chmod(directory.path.c_str(), 01777);  // nobody can replace the file, but it can have been put there
  EXPECT_EQ(said(file), failed(file, problem));

  // A directory above: with the sticky bit, as /tmp, it is as good as any.
  const std::string below = plugin(directory, "pathF", "below");
  EXPECT_NO_THROW(load_backend(below));
  const Directory open;
  const std::string other = plugin(open, "pathG", "below");
  chmod(open.path.c_str(), 0777);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "everybody may write to " + open.path, said(other));
}

TEST(Path, FollowsLinksToTheFileThatCounts) {
  const Directory safe, open;
  const std::string good = plugin(safe, "pathH"), bad = plugin(open, "pathI");
  chmod(open.path.c_str(), 0777);
  fs::create_symlink(bad, safe / "pathI.so");
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "everybody may write to " + open.path, said(safe / "pathI.so"));
  fs::create_symlink(good, open / "pathH.so");
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "everybody may write to " + open.path, said(open / "pathH.so"));
}

}  // namespace
}  // namespace plexus::plugin_tests

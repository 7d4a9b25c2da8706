#include "plugins/plugin_files.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace plexus::plugin_tests {

std::string zoo(const std::string& name) { return ZOO_DIRECTORY "/" + name + ".so"; }
std::string example(const std::string& name) { return EXAMPLE_DIRECTORY "/" + name + ".so"; }

std::vector<std::string> foreign_plugins() {
  std::vector<std::string> files;
  std::istringstream list(FOREIGN_PLUGINS);
  for (std::string file; std::getline(list, file, ':');) files.push_back(file);
  return files;
}

std::string load_message(const std::string& file) {
  return message<BackendError>([&] { load_backend(file); });
}

BackendRow row(const std::string& name) {
  for (const BackendRow& row : backends())
    if (row.name == name) return row;
  ADD_FAILURE() << "no backend '" << name << "'";
  return {};
}

std::vector<std::string> usable_backends() {
  std::vector<std::string> names;
  for (const BackendRow& row : backends())
    if (row.usable && !row.file.starts_with(ZOO_DIRECTORY) && !row.file.starts_with(testing::TempDir() + "plexus_plugins_"))
      names.push_back(row.name);
  return names;
}

Directory::Directory() : path(testing::TempDir() + "plexus_plugins_XXXXXX") {
  if (!mkdtemp(path.data())) throw std::runtime_error("mkdtemp");
  path = std::filesystem::canonical(path);
}
Directory::~Directory() { std::filesystem::remove_all(path); }

std::string Directory::write(const std::string& name, const std::string& content) const {
  std::ofstream file(*this / name, std::ios::binary);
  file << content;
  file.close();
  if (!file) throw std::runtime_error("cannot write " + name);
  return *this / name;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw std::runtime_error("cannot read " + path);
  return text.str();
}

Plan relu_plan(const Context& context) {
  Program program;
  const BufferId x = program.add_buffer({.name = "x", .role = Role::input, .shape = {4, 3}, .batch = true});
  const BufferId y = program.add_buffer({.name = "y", .role = Role::output, .shape = {4, 3}, .batch = true});
  program.add("relu", ActivationSpec{.m = 4, .n = 3}, {x, y});
  static Store store;  // without entries: the program has no parameters
  return Plan::build(context, store, program);
}

void expect_relu(Plan& plan) {
  for (int i = 0; i < 12; i++) plan.data<float>("x")[i] = float(i - 4);
  plan.run(4);
  for (int i = 0; i < 12; i++) EXPECT_EQ(plan.data<float>("y")[i], i < 4 ? 0.0f : float(i - 4)) << i;
}

Context context(const std::string& backend, ContextOptions options) {
  options.backend = backend;
  options.threads = 2;
  options.sink = {};
  return make_context(options);
}

}  // namespace plexus::plugin_tests

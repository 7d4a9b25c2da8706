// Where the plugins of the tests are, and how one of them is run.
#pragma once
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/message.h"
#include "plexus/backends/registry.h"
#include "plexus/core/error.h"
#include "plexus/core/plan.h"

namespace plexus::plugin_tests {

/// A plugin of the zoo (CMakeLists.txt): "first/twin" is .../first/twin.so.
std::string zoo(const std::string& name);
std::string example(const std::string& name);
/// The plugins that other compilers made.
std::vector<std::string> foreign_plugins();

/// What load_backend() says about a file.
std::string load_message(const std::string& file);
/// The row of the table; fails the test where there is none.
BackendRow row(const std::string& name);

/// The usable backends of this build, and those examples that are loaded; not what other tests brought from the zoo.
std::vector<std::string> usable_backends();

/// A directory that only we can write to; it goes with the object.
class Directory {
 public:
  Directory();
  ~Directory();
  std::string operator/(const std::string& name) const { return path + "/" + name; }
  /// Writes a file there.
  std::string write(const std::string& name, const std::string& content) const;

  std::string path;
};

std::string read_file(const std::string& path);

/// y = relu(x) for 4 rows of 3, in a plan.
Plan relu_plan(const Context& context);
/// Runs it on -1, 0, 1, ... and compares; `problem` where y is not relu(x).
void expect_relu(Plan& plan);

/// A context with the backend first; silent, 2 threads.
Context context(const std::string& backend, ContextOptions options = {});

}  // namespace plexus::plugin_tests

#include "plexus/cli/output.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "plexus/core/error.h"

namespace plexus::cli {
namespace {

namespace fs = std::filesystem;

bool is_utf8(const std::string& text) {
  try {
    nlohmann::json(text).dump();  // checks it
    return true;
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

}  // namespace

void check_output(const std::string& path) {
  if (path.empty()) throw ArgumentError("no name for the file to write");
  if (fs::is_directory(path)) throw IoError(path + ": cannot write: it is a directory");
  const fs::path parent = fs::path(path).parent_path();
  const std::string directory = parent.empty() ? "." : parent.string();
  if (access(directory.c_str(), W_OK | X_OK) != 0)
    throw IoError(path + ": cannot write: " + directory + ": " + std::strerror(errno));
}

void check_names(const std::string& path, const Dataset& data) {
  std::vector<std::string> names = data.column_names();
  names.insert(names.end(), data.class_names().begin(), data.class_names().end());
  names.insert(names.end(), data.target_names().begin(), data.target_names().end());
  for (const auto& column : data.categories()) names.insert(names.end(), column.begin(), column.end());
  for (const std::string& name : names)
    if (!is_utf8(name))
      throw DataError(path +
                      ": a name of a column, a class or a category is not UTF-8: save the table as UTF-8");
}

}  // namespace plexus::cli

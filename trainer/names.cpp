#include "plexus/trainer/names.h"

#include "plexus/io/excerpt.h"

namespace plexus {
namespace {

// Names that a list shows: a message should fit a few lines of a terminal.
constexpr size_t most_names = 20;

}  // namespace

std::string in_quotes(const std::string& text) { return io::excerpt(text); }

std::string listed(const std::vector<std::string>& names) {
  std::string all;
  for (size_t i = 0; i < names.size() && i < most_names; ++i) {
    const std::string name = in_quotes(names[i]);
    all += (i == 0 ? "" : ", ") + name.substr(1, name.size() - 2);
  }
  return names.size() <= most_names ? all : all + ", ... (" + std::to_string(names.size()) + " in all)";
}

}  // namespace plexus

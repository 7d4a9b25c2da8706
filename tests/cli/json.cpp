#include "cli/json.h"

#include <fstream>
#include <nlohmann/json.hpp>

namespace plexus::test {

nlohmann::json parse_json(const std::string& text) { return nlohmann::json::parse(text); }

nlohmann::json read_json(const std::string& file) {
  std::ifstream in(file);
  return nlohmann::json::parse(in);
}

}  // namespace plexus::test

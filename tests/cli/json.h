// JSON of the command's, parsed in one place: every source that has the parser compiled in takes two seconds longer to compile.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace plexus::test {

/// Throws what nlohmann-json throws where it is not exactly one value.
nlohmann::json parse_json(const std::string& text);
nlohmann::json read_json(const std::string& file);

}  // namespace plexus::test

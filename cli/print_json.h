// What --json prints.
#pragma once
#include <nlohmann/json_fwd.hpp>

namespace plexus::cli {

/// One value on stdout, on lines of their own. Bytes that are not UTF-8, as paths may have, become U+FFFD.
void print_json(const nlohmann::ordered_json& json);

}  // namespace plexus::cli

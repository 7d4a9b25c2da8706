#include "plexus/cli/print_json.h"

#include <cstdio>
#include <nlohmann/json.hpp>

namespace plexus::cli {

void print_json(const nlohmann::ordered_json& json) {
  std::puts(json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
}

}  // namespace plexus::cli

// Suggestion: what somebody who misspelt a name probably meant.
#pragma once
#include <string>
#include <vector>

namespace plexus::cli {

/// The candidate nearest to `name`, or empty where none is near.
std::string closest(const std::string& name, const std::vector<std::string>& candidates);

/// " (did you mean relu?)", or empty.
std::string did_you_mean(const std::string& name, const std::vector<std::string>& candidates);

/// "a, b, c"
std::string join(const std::vector<std::string>& names, const std::string& separator = ", ");

}  // namespace plexus::cli

// Names of columns, classes and categories, made fit for messages of one line. Private.
#pragma once
#include <string>
#include <vector>

namespace plexus {

/// 'text': control characters as \xNN, cut after 40 bytes.
std::string in_quotes(const std::string& text);

/// "a, b, c"; of many names the first, and how many there are.
std::string listed(const std::vector<std::string>& names);

}  // namespace plexus

// Excerpts: what was found in a file, made fit for a one-line message. Private.
#pragma once
#include <string>
#include <string_view>

namespace plexus::io {

/// 'text' in quotes; control characters as \xNN, cut after 40 bytes.
std::string excerpt(std::string_view text);

/// "00 1f 8b"; "nothing" where there are none.
std::string hexadecimal(std::string_view bytes);

}  // namespace plexus::io

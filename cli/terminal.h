// Terminal: what the streams are connected to and what may be drawn there.
#pragma once
#include <cstdio>
#include <string>

namespace plexus::cli {

/// How colours are shown. none: not at all. palette: 256 colours. full: 24 bits.
enum class Colour { none, palette, full };

/// True where the stream is a terminal that can move its cursor (TERM is not "dumb").
bool is_terminal(std::FILE* stream);

/// Columns of the terminal behind the stream; 0 where it is none.
int terminal_width(std::FILE* stream);

/// "always" or "never" decide. "auto": off where NO_COLOR is set and not empty or the stream is no terminal; on where
/// FORCE_COLOR or CLICOLOR_FORCE is set, or the stream is a terminal with colours.
Colour colours(const std::string& choice, std::FILE* stream);

/// True where the locale's character set is UTF-8.
bool utf8();

}  // namespace plexus::cli

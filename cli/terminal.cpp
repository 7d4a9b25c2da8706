#include "plexus/cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

namespace plexus::cli {
namespace {

// Unset and empty mean the same here, as no-color.org wants it.
std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

bool is_terminal(std::FILE* stream) {
  const std::string term = variable("TERM");
  return isatty(fileno(stream)) && !term.empty() && term != "dumb";
}

int terminal_width(std::FILE* stream) {
  winsize size{};
  if (ioctl(fileno(stream), TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col ? size.ws_col : 80;  // a terminal that does not know its width: the classic one
}

Colour colours(const std::string& choice, std::FILE* stream) {
  const bool full = contains(variable("COLORTERM"), "truecolor") || contains(variable("COLORTERM"), "24bit");
  const Colour available = full ? Colour::full : Colour::palette;
  if (choice == "always") return available;
  if (choice == "never" || !variable("NO_COLOR").empty()) return Colour::none;
  if (!variable("FORCE_COLOR").empty() || !variable("CLICOLOR_FORCE").empty()) return available;
  const bool colourful = full || contains(variable("TERM"), "256color");
  return is_terminal(stream) && colourful ? available : Colour::none;
}

bool utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string locale = variable(name);
    if (!locale.empty())
      return contains(locale, "UTF-8") || contains(locale, "utf8") || contains(locale, "UTF8");
  }
  return false;
}

}  // namespace plexus::cli

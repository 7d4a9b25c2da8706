#include "plexus/io/excerpt.h"

namespace plexus::io {
namespace {

constexpr size_t max_length = 40;  // a message of one line has room for this much beside file and place
constexpr char digits[] = "0123456789abcdef";

}  // namespace

std::string excerpt(std::string_view text) {
  size_t length = text.size();
  if (length > max_length) {
    length = max_length;
    while (length > 0 && (text[length] & 0xC0) == 0x80) --length;  // not in the middle of a UTF-8 character
  }
  std::string result = "'";
  for (const char c : text.substr(0, length)) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      result += {'\\', 'x', digits[(c >> 4) & 15], digits[c & 15]};
    } else {
      result += c;
    }
  }
  return result + (length < text.size() ? "...'" : "'");
}

std::string hexadecimal(std::string_view bytes) {
  if (bytes.empty()) return "nothing";
  std::string result;
  for (const char c : bytes.substr(0, max_length / 3)) {
    if (!result.empty()) result += ' ';
    result += {digits[(c >> 4) & 15], digits[c & 15]};
  }
  return result;
}

}  // namespace plexus::io

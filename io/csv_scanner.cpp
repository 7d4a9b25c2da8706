#include "plexus/io/csv_scanner.h"

#include <algorithm>

#include "plexus/io/gzip.h"

namespace plexus::io {
namespace {

int64_t line_at(std::string_view text, size_t offset) {
  int64_t line = 1;
  for (size_t i = 0; i < offset; ++i) line += text[i] == '\n' || (text[i] == '\r' && text[i + 1] != '\n');
  return line;
}

}  // namespace

std::string CsvField::content() const {
  std::string text(raw);
  if (!quoted) return text;
  size_t length = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    text[length++] = text[i];
    if (text[i] == '"') ++i;  // the second of two
  }
  text.resize(length);
  return text;
}

std::string_view CsvScanner::quoted(const char* begin) {
  const int64_t first_line = line_;
  for (at_ = begin; at_ != end_;) {
    if (*at_ == '\n' || *at_ == '\r') {
      end_line();
    } else if (*at_ != '"') {
      ++at_;
    } else if (at_ + 1 != end_ && at_[1] == '"') {
      at_ += 2;
    } else {
      const char* closed = at_;
      at_ = skip_blanks(at_ + 1);
      if (at_ != end_ && !ends_field_[uint8_t(*at_)]) {
        refuse(line_, "expected a delimiter after a closing quote, found " +
                          excerpt({at_, size_t(std::find(at_, end_, '\n') - at_)}) +
                          "; a quote inside a quoted field is written twice");
      }
      return {begin, size_t(closed - begin)};
    }
  }
  refuse(first_line, "a quote is opened here and never closed");
}

char sniff_delimiter(std::string_view text) {
  constexpr std::string_view candidates = ",;\t|";
  std::array<int64_t, 256> count{};
  bool quoted = false, started = false, fresh = true;  // fresh: where a quote opens
  const auto digit = [&](size_t i) { return i < text.size() && text[i] >= '0' && text[i] <= '9'; };
  int64_t within_numbers = 0;  // commas
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool line_end = c == '\n' || c == '\r';
    if (line_end && started && !quoted) break;
    started = started || (!line_end && c != ' ');
    if (c == '"' && (quoted || fresh)) {
      quoted = !quoted;
      fresh = true;  // the next may be the second of two
    } else if (!quoted) {
      ++count[uint8_t(c)];
      within_numbers += c == ',' && i > 0 && digit(i - 1) && digit(i + 1);
      fresh = line_end || candidates.find(c) != candidates.npos || (fresh && c == ' ');
    }
  }
  if (count[';'] > 0) count[','] -= within_numbers;  // decimal ones, between semicolons
  return *std::ranges::max_element(candidates, {}, [&](char c) { return count[uint8_t(c)]; });
}

void check_encoding(const std::string& file, std::string_view text) {
  if (text.empty()) throw FormatError(file, "", "the file is empty");
  if (text.starts_with(gzip_magic)) {
    throw FormatError(file, "byte 0", "compressed with gzip; decompress it first (gunzip)");
  }
  const size_t nul = text.find('\0');
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF") || nul < 2) {
    throw FormatError(file, "byte 0", "UTF-16 or binary data; save it as UTF-8 text");
  }
  if (nul != text.npos) {
    throw FormatError(file, "line " + std::to_string(line_at(text, nul)), "a NUL byte; this is not text");
  }
}

}  // namespace plexus::io

// The fields of a CSV file, one after the other. Private.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "plexus/core/error.h"
#include "plexus/io/excerpt.h"

namespace plexus::io {

/// A field where it stands in the file.
struct CsvField {
  std::string_view raw;  ///< without the quotes around it and the blanks around those
  bool quoted = false;   ///< raw may hold "" for "
  bool last = false;     ///< of its record

  /// What the field holds.
  std::string content() const;
};

/// Comma, semicolon, tab or bar, whichever the first line that is not empty has most of outside quotes; the first of those. Where
/// there are semicolons, commas between digits are decimal ones.
char sniff_delimiter(std::string_view text);

/// Throws FormatError for what is plainly something else than text in UTF-8.
void check_encoding(const std::string& file, std::string_view text);

/// Cuts text into fields, one call after the other.
class CsvScanner {
 public:
  CsvScanner(const std::string& file, std::string_view text, char delimiter)
      : file_(file), at_(text.data()), end_(text.data() + text.size()), delimiter_(delimiter) {
    for (const char c : {delimiter, '\n', '\r'}) ends_field_[uint8_t(c)] = true;
  }

  int64_t line() const { return line_; }

  /// Steps over an empty line; false where the next line is not empty. Call at the start of a record.
  bool skip_empty_line() {
    const char* p = skip_blanks(at_);
    if (p == end_) at_ = p;
    if (p == end_ || (*p != '\n' && *p != '\r')) return false;
    at_ = p;
    end_line();
    return true;
  }

  bool at_end() const { return at_ == end_; }

  CsvField next() {
    CsvField field;
    const char* begin = skip_blanks(at_);
    if (begin != end_ && *begin == '"') {
      field.quoted = true;
      field.raw = quoted(begin + 1);
    } else {
      const char* p = begin;
      while (p != end_ && !ends_field_[uint8_t(*p)]) ++p;
      at_ = p;
      while (p != begin && blank(p[-1])) --p;
      field.raw = {begin, size_t(p - begin)};
    }
    field.last = at_ == end_ || *at_ != delimiter_;
    if (!field.last) ++at_;
    if (field.last && at_ != end_) end_line();
    return field;
  }

  [[noreturn]] void refuse(int64_t line, const std::string& problem) const {
    throw FormatError(file_, "line " + std::to_string(line), problem);
  }

 private:
  bool blank(char c) const { return (c == ' ' || c == '\t') && c != delimiter_; }

  const char* skip_blanks(const char* p) const {
    while (p != end_ && blank(*p)) ++p;
    return p;
  }

  void end_line() {
    at_ += at_ + 1 != end_ && at_[0] == '\r' && at_[1] == '\n' ? 2 : 1;
    ++line_;
  }

  // Behind the opening quote.
  std::string_view quoted(const char* begin);

  const std::string& file_;
  const char *at_, *end_;
  char delimiter_;
  int64_t line_ = 1;
  std::array<bool, 256> ends_field_{};
};

}  // namespace plexus::io

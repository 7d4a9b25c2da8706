#include "plexus/io/csv.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>

#include "plexus/core/error.h"
#include "plexus/io/excerpt.h"
#include "plexus/io/file.h"
#include "plexus/io/gzip.h"
#include "plexus/io/number.h"

namespace plexus {
namespace {

using io::NumberKind;

// A column takes some 250 bytes before its first value, and two bytes of the file: this many keep that below
// 64 MiB.
constexpr size_t max_columns = size_t(1) << 18;

struct Field {
  std::string_view raw;  // without the quotes around it
  bool quoted = false;   // raw may hold "" for "
  bool last = false;     // of its record
};

// Cuts text into fields, one call after the other.
class Scanner {
 public:
  Scanner(const std::string& file, std::string_view text, char delimiter)
      : file_(file), at_(text.data()), end_(text.data() + text.size()), delimiter_(delimiter) {
    for (const char c : {delimiter, '\n', '\r'}) ends_field_[uint8_t(c)] = true;
  }

  int64_t line() const { return line_; }

  // Steps over an empty line; false where the next line is not empty. Call at the start of a record.
  bool skip_empty_line() {
    const char* p = skip_blanks(at_);
    if (p == end_) at_ = p;
    if (p == end_ || (*p != '\n' && *p != '\r')) return false;
    at_ = p;
    end_line();
    return true;
  }

  bool at_end() const { return at_ == end_; }

  Field next() {
    Field field;
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

  std::string_view quoted(const char* begin) {
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
                            io::excerpt({at_, size_t(std::find(at_, end_, '\n') - at_)}) +
                            "; a quote inside a quoted field is written twice");
        }
        return {begin, size_t(closed - begin)};
      }
    }
    refuse(first_line, "a quote is opened here and never closed");
  }

  const std::string& file_;
  const char *at_, *end_;
  char delimiter_;
  int64_t line_ = 1;
  std::array<bool, 256> ends_field_{};
};

std::string content(const Field& field) {
  std::string text(field.raw);
  if (!field.quoted) return text;
  size_t length = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    text[length++] = text[i];
    if (text[i] == '"') ++i;  // the second of two
  }
  text.resize(length);
  return text;
}

// What is known of a column while the file is read.
struct Draft {
  std::vector<double> numbers;  // of all records, the first too; 0 where text
  NumberKind first_kind{};      // of the first record's field
  std::string_view first;       // and the field
  bool any_number = false;      // below the first
  int64_t text_line = 0;        // of the first field below it that is no number
  int64_t doubtful_line = 0;    // of the first field below it that cannot be among numbers: "NA", "1e400"
  NumberKind doubtful_kind{};
  std::string_view doubtful;
};

class Reader {
 public:
  Reader(const std::string& file, std::string_view text, char delimiter)
      : file_(file), text_(text), delimiter_(delimiter), scanner_(file, text, delimiter) {}

  Table read() {
    read_records();
    const bool header = has_header();
    if (!header) take_first_record();
    name_columns(header);
    for (size_t column = 0; column < drafts_.size(); ++column) check(column);
    refuse_earliest();
    if (header) lines_.erase(lines_.begin());
    return finish(header);
  }

 private:
  // A field that makes the file unusable. Its column's name is known only once all is read.
  struct Problem {
    int64_t line;
    size_t column;
    NumberKind kind;
    std::string_view field;
  };

  void read_records() {
    while (scanner_.skip_empty_line()) {
    }
    if (scanner_.at_end()) throw FormatError(file_, "", "the file has no rows");
    while (!scanner_.at_end() && !problem_) {
      const int64_t line = scanner_.line();
      if (lines_.empty()) {
        read_first(line);
      } else {
        read_record(line);
      }
      skip_empty_lines();
    }
  }

  // In a file of one column an empty line is a missing field, unless nothing follows.
  void skip_empty_lines() {
    const int64_t line = scanner_.line();
    bool skipped = false;
    while (scanner_.skip_empty_line()) skipped = true;
    if (skipped && drafts_.size() == 1 && !scanner_.at_end() && !problem_) {
      problem_ = {line, 0, NumberKind::missing, {}};
    }
  }

  void read_first(int64_t line) {
    lines_.push_back(line);
    for (bool last = false; !last;) {
      if (drafts_.size() == max_columns)
        scanner_.refuse(line, "more than " + std::to_string(max_columns) + " columns");
      const Field field = scanner_.next();
      last = field.last;
      Draft& draft = drafts_.emplace_back();
      draft.first = field.raw;
      double value = 0;
      draft.first_kind = io::read_number(field.raw, value);
      draft.numbers.push_back(value);
    }
  }

  void read_record(int64_t line) {
    lines_.push_back(line);
    size_t column = 0;
    for (bool last = false; !last; ++column) {
      const int64_t field_line = scanner_.line();
      const Field field = scanner_.next();
      last = field.last;
      if (column < drafts_.size()) add(column, field.raw, field_line);
    }
    if (column != drafts_.size()) {
      scanner_.refuse(line, "expected " + std::to_string(drafts_.size()) +
                                (drafts_.size() == 1 ? " field" : " fields") +
                                " as in the first row, found " + std::to_string(column));
    }
  }

  void add(size_t column, std::string_view field, int64_t line) {
    Draft& draft = drafts_[column];
    if (field.empty()) {
      if (!problem_) problem_ = {line, column, NumberKind::missing, field};
      return;
    }
    if (draft.text_line != 0) return;
    double value = 0;
    const NumberKind kind = io::read_number(field, value);
    draft.numbers.push_back(value);
    if (kind == NumberKind::number) {
      draft.any_number = true;
    } else if (kind == NumberKind::text) {
      draft.text_line = line;
    } else if (draft.doubtful_line == 0) {
      draft.doubtful_line = line;
      draft.doubtful_kind = kind;
      draft.doubtful = field;
    }
  }

  // Whether the first record has text above numbers.
  bool has_header() const {
    return std::ranges::any_of(drafts_, [](const Draft& draft) {
      return draft.first_kind == NumberKind::text && draft.any_number && draft.text_line == 0;
    });
  }

  // The first record is a row like the others.
  void take_first_record() {
    for (size_t column = 0; column < drafts_.size(); ++column) {
      Draft& draft = drafts_[column];
      if (draft.first_kind == NumberKind::text) {
        draft.text_line = lines_.front();
      } else if (draft.first_kind != NumberKind::number) {
        draft.doubtful_line = lines_.front();
        draft.doubtful_kind = draft.first_kind;
        draft.doubtful = draft.first;
      }
    }
  }

  void name_columns(bool header) {
    if (!header) return;
    Scanner scanner(file_, text_, delimiter_);
    while (scanner.skip_empty_line()) {
    }
    for (size_t column = 0; column < drafts_.size(); ++column) names_.push_back(content(scanner.next()));
  }

  // Notes the column's problem if it comes before the one known. "NA" and "1e400" are text where others are.
  void check(size_t column) {
    const Draft& draft = drafts_[column];
    if (draft.doubtful_line == 0 || (draft.text_line != 0 && !draft.doubtful.empty())) return;
    if (!problem_ || draft.doubtful_line < problem_->line) {
      problem_ = {draft.doubtful_line, column, draft.doubtful_kind, draft.doubtful};
    }
  }

  void refuse_earliest() const {
    if (!problem_) return;
    std::string place = "column " + std::to_string(problem_->column + 1);
    if (!names_.empty()) place += " (" + io::excerpt(names_[problem_->column]) + ")";
    if (problem_->kind == NumberKind::beyond) {
      scanner_.refuse(problem_->line,
                      place + ": " + io::excerpt(problem_->field) + " is beyond the range of f64");
    }
    const bool empty = problem_->field.empty();
    const bool trailing = empty && drafts_.size() > 1 && problem_->column + 1 == drafts_.size();
    scanner_.refuse(problem_->line,
                    place + ": missing value" + (empty ? std::string() : ' ' + io::excerpt(problem_->field)) +
                        (trailing ? " (a delimiter at the end of a line begins another field)" : "") +
                        "; fill it in or remove the row");
  }

  Table finish(bool header) {
    Table table;
    table.file = file_;
    table.columns.resize(drafts_.size());
    bool text = false;
    for (size_t column = 0; column < drafts_.size(); ++column) {
      Column& result = table.columns[column];
      Draft& draft = drafts_[column];
      if (header) result.name = std::move(names_[column]);
      result.text_line = draft.text_line;
      if (draft.text_line != 0) {
        text = true;
        draft.numbers = {};
        result.values.emplace<1>().reserve(lines_.size());
      } else {
        if (header) draft.numbers.erase(draft.numbers.begin());
        result.values = std::move(draft.numbers);
      }
    }
    table.lines = std::move(lines_);
    if (text) read_text(table, header);
    return table;
  }

  // A second pass, for the columns that turned out to be text.
  void read_text(Table& table, bool header) const {
    Scanner scanner(file_, text_, delimiter_);
    for (bool skip = header;; skip = false) {
      while (scanner.skip_empty_line()) {
      }
      if (scanner.at_end()) return;
      for (Column& column : table.columns) {
        const Field field = scanner.next();
        if (!skip && column.text()) std::get<1>(column.values).push_back(content(field));
      }
    }
  }

  const std::string& file_;
  std::string_view text_;
  char delimiter_;
  Scanner scanner_;
  std::vector<Draft> drafts_;
  std::vector<std::string> names_;
  std::vector<int64_t> lines_;  // on which records start, the header too
  std::optional<Problem> problem_;
};

// Comma, semicolon or tab, whichever the first line that is not empty has most of outside quotes.
char sniff_delimiter(std::string_view text) {
  std::array<int64_t, 256> count{};
  bool quoted = false, started = false;
  for (const char c : text) {
    const bool line_end = c == '\n' || c == '\r';
    if (line_end && started && !quoted) break;
    started = started || (!line_end && c != ' ');
    if (c == '"') quoted = !quoted;
    if (!quoted) ++count[uint8_t(c)];
  }
  return *std::ranges::max_element(std::string_view(",;\t"), {}, [&](char c) { return count[uint8_t(c)]; });
}

int64_t line_at(std::string_view text, size_t offset) {
  int64_t line = 1;
  for (size_t i = 0; i < offset; ++i) line += text[i] == '\n' || (text[i] == '\r' && text[i + 1] != '\n');
  return line;
}

// Refuses what is plainly something else than text in UTF-8.
void check_encoding(const std::string& file, std::string_view text) {
  if (text.empty()) throw FormatError(file, "", "the file is empty");
  if (text.starts_with(io::gzip_magic)) {
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

}  // namespace

Table load_csv(const std::string& path, const CsvOptions& options) {
  if (options.delimiter != 0 &&
      std::string_view("\"\n\r ").find(options.delimiter) != std::string_view::npos) {
    throw ArgumentError("load_csv: " + io::excerpt({&options.delimiter, 1}) + " cannot be a delimiter");
  }
  const std::string file = io::InputFile(path).read_rest();
  std::string_view text = file;
  check_encoding(path, text);
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // the byte order mark of UTF-8
  return Reader(path, text, options.delimiter != 0 ? options.delimiter : sniff_delimiter(text)).read();
}

}  // namespace plexus

#include "plexus/io/csv.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>

#include "plexus/core/error.h"
#include "plexus/io/csv_scanner.h"
#include "plexus/io/excerpt.h"
#include "plexus/io/file.h"
#include "plexus/io/number.h"

namespace plexus {
namespace {

using io::CsvField;
using io::CsvScanner;
using io::NumberKind;

// A column takes some 250 bytes before its first value, and two bytes of the file: this many keep that below
// 64 MiB.
constexpr size_t max_columns = size_t(1) << 18;

// What is known of a column while the file is read.
struct Draft {
  std::vector<double> numbers;  // of all records, the first too; none where there is text below it
  NumberKind first_kind{};      // of the first record's field
  std::string_view first;       // and the field
  bool any_number = false;      // below the first
  int64_t text_line = 0;        // of the first field below it that is no number
  int64_t grouped_line = 0;     // of the first field below it whose comma may stand before thousands
  bool first_grouped = false;   // the first record's may
  int64_t doubtful_line = 0;    // of the first field below it that cannot be among numbers: "NA", "1e400"
  NumberKind doubtful_kind{};
  std::string_view doubtful;
  std::vector<int64_t> missing;  // records, where missing fields are kept
};

class Reader {
 public:
  Reader(const std::string& file, std::string_view text, const CsvOptions& options)
      : file_(file), text_(text), options_(options), scanner_(file, text, options.delimiter) {}

  Table read() {
    read_records();
    settle_commas();
    const bool header = options_.header.value_or(has_header());
    if (!header) take_first_record();
    name_columns(header);
    for (size_t column = 0; column < drafts_.size(); ++column) check(column);
    refuse_earliest();
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
    const int64_t first = scanner_.line();
    while (scanner_.skip_empty_line()) {
    }
    if (drafts_.size() != 1 || scanner_.at_end()) return;
    for (int64_t line = first; line < scanner_.line() && !problem_; ++line) {
      lines_.push_back(line);
      add(0, {}, line);
    }
  }

  void read_first(int64_t line) {
    lines_.push_back(line);
    for (bool last = false; !last;) {
      if (drafts_.size() == max_columns)
        scanner_.refuse(line, "more than " + std::to_string(max_columns) + " columns");
      const CsvField field = scanner_.next();
      last = field.last;
      Draft& draft = drafts_.emplace_back();
      draft.first = field.raw;
      double value = 0;
      draft.first_kind = read_number(field.raw, value, draft.first_grouped);
      draft.numbers.push_back(value);
    }
    reserve();
  }

  // Room for as many records as there can be: lines, but no more than there are bytes for.
  void reserve() {
    const auto lines = size_t(std::max(std::ranges::count(text_, '\n'), std::ranges::count(text_, '\r')));
    const size_t records = std::min(lines + 1, text_.size() / (2 * drafts_.size()) + 1);
    lines_.reserve(records);
    for (Draft& draft : drafts_) draft.numbers.reserve(records);
  }

  void read_record(int64_t line) {
    lines_.push_back(line);
    size_t column = 0;
    for (bool last = false; !last; ++column) {
      const int64_t field_line = scanner_.line();
      const CsvField field = scanner_.next();
      last = field.last;
      if (column < drafts_.size()) add(column, field.raw, field_line);
    }
    if (column != drafts_.size()) {
      scanner_.refuse(line, "expected " + std::to_string(drafts_.size()) +
                                (drafts_.size() == 1 ? " field" : " fields") +
                                " as in the first row, found " + std::to_string(column));
    }
  }

  // Where decimal commas are usual, fields are separated by semicolons.
  NumberKind read_number(std::string_view field, double& value, bool& grouped) {
    const NumberKind kind = io::read_number(field, value);
    if (kind != NumberKind::text || options_.delimiter != ';') return kind;
    const NumberKind with_comma = io::read_number_with_comma(field, value, grouped);
    decimal_commas_ |= with_comma != NumberKind::text && !grouped;
    return with_comma;
  }

  // Where no comma can only be a decimal one, "1,234" is text, not a thousandth of what it may be.
  void settle_commas() {
    if (decimal_commas_) return;
    for (Draft& draft : drafts_) {
      if (draft.first_grouped) draft.first_kind = NumberKind::text;
      if (draft.grouped_line != 0 && draft.text_line == 0) draft.text_line = draft.grouped_line, draft.numbers = {};
    }
  }

  bool keeps_missing() const { return options_.missing == MissingFields::keep; }

  void add(size_t column, std::string_view field, int64_t line) {
    Draft& draft = drafts_[column];
    if (field.empty() && !keeps_missing()) {
      if (!problem_) problem_ = {line, column, NumberKind::missing, field};
      return;
    }
    if (draft.text_line != 0) return;
    double value = std::numeric_limits<double>::quiet_NaN();
    bool grouped = false;
    const NumberKind kind = read_number(field, value, grouped);
    if (grouped && draft.grouped_line == 0) draft.grouped_line = line;
    draft.numbers.push_back(value);
    if (kind == NumberKind::number) {
      draft.any_number = true;
    } else if (kind == NumberKind::text) {
      draft.text_line = line;
      draft.numbers = {};
    } else if (kind == NumberKind::missing && keeps_missing()) {
      draft.missing.push_back(int64_t(lines_.size()) - 1);
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
      } else if (draft.first_kind == NumberKind::missing && keeps_missing()) {
        if (draft.text_line != 0) continue;  // one of the texts
        draft.numbers.front() = std::numeric_limits<double>::quiet_NaN();
        draft.missing.insert(draft.missing.begin(), 0);
      } else if (draft.first_kind != NumberKind::number) {
        draft.doubtful_line = lines_.front();
        draft.doubtful_kind = draft.first_kind;
        draft.doubtful = draft.first;
      }
    }
  }

  void name_columns(bool header) {
    if (!header) return;
    CsvScanner scanner(file_, text_, options_.delimiter);
    while (scanner.skip_empty_line()) {
    }
    for (size_t column = 0; column < drafts_.size(); ++column) names_.push_back(scanner.next().content());
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
        result.missing = std::move(draft.missing);
        if (header)
          for (int64_t& row : result.missing) --row;
      }
    }
    if (text) read_text(table, header);
    if (header) lines_.erase(lines_.begin());
    table.lines = std::move(lines_);
    return table;
  }

  // A second pass, for the columns that turned out to be text.
  void read_text(Table& table, bool header) const {
    CsvScanner scanner(file_, text_, options_.delimiter);
    for (size_t record = 0; record < lines_.size(); ++record) {
      while (scanner.line() < lines_[record]) scanner.skip_empty_line();
      const bool empty_line = scanner.skip_empty_line();  // the missing field of a file of one column
      for (Column& column : table.columns) {
        const CsvField field = empty_line ? CsvField{} : scanner.next();
        if (!column.text() || (header && record == 0)) continue;
        if (field.raw.empty()) column.missing.push_back(int64_t(record) - header);
        std::get<1>(column.values).push_back(field.content());
      }
    }
  }

  const std::string& file_;
  std::string_view text_;
  CsvOptions options_;
  CsvScanner scanner_;
  std::vector<Draft> drafts_;
  std::vector<std::string> names_;
  bool decimal_commas_ = false;
  std::vector<int64_t> lines_;  // on which records start, the header too
  std::optional<Problem> problem_;
};

// Text as load_csv() reads it: quoted where it could be taken for something else.
void append(std::string& out, std::string_view text, char delimiter, bool alone) {
  const bool blank_ends = !text.empty() && (text.front() == ' ' || text.front() == '\t' ||
                                            text.back() == ' ' || text.back() == '\t');
  const bool mark = out.empty() && text.starts_with("\xEF\xBB\xBF");
  if (!blank_ends && !mark && !(alone && text.empty()) &&
      text.find_first_of(std::string{delimiter, '"', '\n', '\r'}) == text.npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    out += c;
    if (c == '"') out += c;
  }
  out += '"';
}

void append(std::string& out, double value) {
  std::array<char, 32> digits{};
  out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr);
}

void check_delimiter(const std::string& caller, char delimiter) {
  if (delimiter != 0 && std::string_view("\"\n\r ").find(delimiter) != std::string_view::npos)
    throw ArgumentError(caller + ": " + io::excerpt({&delimiter, 1}) + " cannot be a delimiter");
}

// Throws where the columns do not make a table that can be written.
void check_table(const Table& table) {
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const Column& column = table.columns[i];
    const auto length = [](const auto& values) { return values.size(); };
    const size_t rows = std::visit(length, column.values),
                 first = std::visit(length, table.columns[0].values);
    const std::string place = "save_csv: column " + std::to_string(i + 1);
    if (rows != first)
      throw ArgumentError(place + " has " + std::to_string(rows) + " rows, column 1 has " +
                          std::to_string(first));
    const auto holds_nul = [](const std::string& text) { return text.find('\0') != text.npos; };
    if (holds_nul(column.name) ||
        (column.text() && std::ranges::any_of(std::get<1>(column.values), holds_nul)))
      throw ArgumentError(place + " holds a NUL byte, which text files cannot");
  }
}

}  // namespace

Table load_csv(const std::string& path, const CsvOptions& options) {
  check_delimiter("load_csv", options.delimiter);
  const std::string file = io::InputFile(path).read_rest();
  std::string_view text = file;
  io::check_encoding(path, text);
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // the byte order mark of UTF-8
  CsvOptions known = options;
  if (known.delimiter == 0) known.delimiter = io::sniff_delimiter(text);
  return Reader(path, text, known).read();
}

std::string to_csv(const Table& table, const CsvOptions& options) {
  check_delimiter("save_csv", options.delimiter);
  check_table(table);
  const char delimiter = options.delimiter != 0 ? options.delimiter : ',';
  const std::vector<Column>& columns = table.columns;
  const bool alone = columns.size() == 1;
  const bool named = std::ranges::any_of(columns, [](const Column& column) { return !column.name.empty(); });
  std::string text;
  const auto end_field = [&](size_t column) { text += column + 1 < columns.size() ? delimiter : '\n'; };
  for (size_t column = 0; options.header.value_or(named) && column < columns.size(); ++column) {
    append(text, columns[column].name, delimiter, alone);
    end_field(column);
  }
  const size_t rows =
      columns.empty() ? 0 : std::visit([](const auto& values) { return values.size(); }, columns[0].values);
  std::vector<size_t> missing(columns.size());  // how many each column has had
  for (size_t row = 0; row < rows; ++row) {
    for (size_t i = 0; i < columns.size(); ++i) {
      const Column& column = columns[i];
      const bool absent = missing[i] < column.missing.size() && column.missing[missing[i]] == int64_t(row);
      missing[i] += absent;
      if (absent || column.text()) {
        append(text, absent ? std::string_view() : std::get<1>(column.values)[row], delimiter, alone);
      } else {
        append(text, std::get<0>(column.values)[row]);
      }
      end_field(i);
    }
  }
  return text;
}

void save_csv(const std::string& path, const Table& table, const CsvOptions& options) {
  const std::string text = to_csv(table, options);
  const std::array<std::string_view, 1> parts{text};
  io::write_file(path, parts);
}

}  // namespace plexus

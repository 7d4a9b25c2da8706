// CSV: comma-separated values with or without a header.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "plexus/export.h"

namespace plexus {

/// A column of a table: numbers, or text.
struct Column {
  std::string name;                ///< empty where the file has no header
  std::variant<std::vector<double>, std::vector<std::string>> values;
  int64_t text_line = 0;           ///< text: line of the first field that is no number, for messages
  std::vector<int64_t> missing{};  ///< rows without a value, from 0, ascending: NaN there, or an empty text
  bool text() const { return values.index() == 1; }
};

struct Table {
  std::string file;                ///< for messages
  std::vector<Column> columns;     ///< all of the same length
  std::vector<int64_t> lines;      ///< line of the file on which each row starts
  int64_t rows() const { return int64_t(lines.size()); }
};

enum class MissingFields { refuse, keep };

struct CsvOptions {
  char delimiter = 0;              ///< 0: comma, semicolon, tab or bar, whichever the first line has most of
  std::optional<bool> header{};    ///< whether the first line holds names; unset: where it has text above a column of numbers
  MissingFields missing = MissingFields::refuse;
};

/// Reads a file. Fields may be in quotes (then with delimiters, line ends, and "" for "), blanks around them do not count;
/// lines end with LF, CR LF or CR; empty ones are skipped; a byte order mark is skipped. A column is text where a field of
/// it is no number. Missing are empty fields and, among numbers, the words NA, N/A, NULL, None and ?; in a file of one column
/// empty lines too. Numbers have a decimal point whatever the locale, or a comma between semicolons, unless every comma of the file
/// may stand before thousands ("1,234"). They are rounded to f64; nan, inf and infinity are numbers, hexadecimal is text. Throws IoError,
/// FormatError (with line and column), ArgumentError for a delimiter that cannot be one.
PLEXUS_EXPORT Table load_csv(const std::string& path, const CsvOptions& options = {});

/// A table as text, of which only the columns matter: a header where a column has a name (or as `options.header` says), comma
/// as delimiter unless given, LF line ends, quotes where they are needed, every number in the fewest digits that load_csv()
/// reads as the same. Throws ArgumentError for columns of different lengths and for text with a NUL byte.
PLEXUS_EXPORT std::string to_csv(const Table& table, const CsvOptions& options = {});
/// Writes to_csv() to a file, which is complete or not there. Throws IoError too.
PLEXUS_EXPORT void save_csv(const std::string& path, const Table& table, const CsvOptions& options = {});

}  // namespace plexus

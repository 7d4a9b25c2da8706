// CSV: comma-separated values with or without a header.
#pragma once
#include <cstdint>
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
  bool text() const { return values.index() == 1; }
};

struct Table {
  std::string file;                ///< for messages
  std::vector<Column> columns;     ///< all of the same length
  std::vector<int64_t> lines;      ///< line of the file on which each row starts
  int64_t rows() const { return int64_t(lines.size()); }
};

struct CsvOptions {
  char delimiter = 0;              ///< 0: comma, semicolon or tab, whichever the first line has most of
};

/// Reads a file. A first line with a field that is no number, above a column of numbers, is a header.
/// A column is text where a field of it is no number. Missing fields (empty; NA, N/A, NULL, None or ? among numbers) are an
/// error here. Numbers have a decimal point whatever the locale; nan, inf and infinity are numbers, hexadecimal is text.
/// Throws IoError, FormatError (with the line), ArgumentError for a delimiter that cannot be one.
PLEXUS_EXPORT Table load_csv(const std::string& path, const CsvOptions& options = {});

}  // namespace plexus

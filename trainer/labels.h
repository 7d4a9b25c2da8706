// Labels: what the label columns of a table become. Private.
#pragma once
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "plexus/trainer/dataset.h"

namespace plexus {

/// A label column, taken out of its table.
struct LabelColumn {
  std::variant<std::vector<double>, std::vector<std::string>> values;  // of the rows that are kept
  std::string label;                                                   // "column 13", "column 'species'": for messages
};

/// Where a row comes from, for messages: "row 4", "iris.csv: line 5".
using Place = std::function<std::string(int64_t row)>;

/// Class numbers with their names, or real values.
struct Targets {
  Tensor values;  // [n] i32, or [n, columns] f32
  bool classify = false;
  std::vector<std::string> class_names;
  std::string reason;
};

/// Throws DataError (missing labels, text to regress, a label outside `options.class_names`), ArgumentError (several columns to
/// classify).
Targets make_targets(const std::vector<LabelColumn>& columns, int64_t rows, const TableOptions& options, const Place& place);

/// "3", "0.5": the shortest text that reads back as the same number, whole numbers in full.
std::string number_name(double x);

}  // namespace plexus

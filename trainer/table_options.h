// TableOptions: how a table becomes a data set.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace plexus {

/// What the targets are: class numbers, or real values.
enum class Task { automatic, classify, regress };

/// What becomes of a row in which a value is missing: a field of a CSV file, NaN in a matrix. error: a
/// DataError that names row and column. drop: the row is left out. keep: the feature is NaN, for Impute to
/// fill in, or of no category; a missing label is an error.
enum class Missing { error, drop, keep };

struct TableOptions {
  std::vector<int64_t> labels = {
      -1};  ///< label columns; negative counts from the end; several: regress; none: no targets
  std::vector<std::string> label_names = {};  ///< the same by name (tables with names); empty: `labels`
  Task task = Task::automatic;  ///< automatic: text labels, or at most 64 distinct whole numbers with two or
                                ///< more rows each: classify; else regress
  Missing missing = Missing::error;
  std::vector<std::string> class_names = {};  ///< of the training data, for a test table: labels get their
                                              ///< numbers there, others are a DataError; not empty: classify
  std::vector<std::string> columns =
      {};  ///< of the training data: features are taken in this order, by name where both have
           ///< names (none is empty); a missing column or one more is a DataError
};

}  // namespace plexus

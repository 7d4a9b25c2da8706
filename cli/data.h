// Data: what the command's DATA argument stands for, read into data sets.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "plexus/core/error.h"
#include "plexus/trainer/dataset.h"

namespace plexus::cli {

struct DataOptions {
  std::string path;               ///< "fashion-mnist", a directory with the four IDX files, a .npy or .csv file
  std::string test;               ///< the same, for the test data; empty: what comes with `path`
  std::string label;              ///< names or indices of the label columns of a table, with commas; empty: the last one
  Task task = Task::automatic;
  Missing missing = Missing::error;
  bool map = false;               ///< features of a .npy table stay in the file
};

struct Data {
  Dataset train;
  std::optional<Dataset> test;    ///< absent where neither `path` nor `test` has one: split it off
  std::string reason;             ///< why it is classification or regression
};

/// Reads it. The classes of the test data are those of the training data.
/// Throws ArgumentError (no such column, an option that does not fit this kind of data), IoError, FormatError, DataError.
Data open_data(const DataOptions& options);

/// The label columns that `labels` names, written into `options`. `names`: of the table's columns, empty ones left out.
void set_labels(TableOptions& options, const std::string& labels, const std::vector<std::string>& names);

/// The names of a table's columns, empty ones left out.
std::vector<std::string> column_names(const Table& table);

/// True for a file with rows of text: .csv, .tsv.
bool is_csv(const std::string& path);

/// A table with its missing fields kept, for from_table to judge. A first line with one of the `known` names is a header, even
/// where nothing below it is a number.
Table open_csv(const std::string& path, const std::vector<std::string>& known = {});

/// Throws IoError where `path` is not there, else FormatError: it is no file of a kind that is known.
[[noreturn]] void refuse_file(const std::string& path, const std::string& expected);

/// Errors of the library about data know no file: calls `work` and puts it in front.
template <class Work>
auto in_file(const std::string& path, Work&& work) {
  const auto placed = [&](const std::exception& error) {
    const std::string message = error.what();
    return message.find(path) == std::string::npos ? path + ": " + message : message;
  };
  try {
    return work();
  } catch (const DataError& error) {
    throw DataError(placed(error));
  } catch (const ShapeError& error) {
    throw ShapeError(placed(error));
  }
}

/// True where `path` brings test data of its own.
bool has_test_part(const std::string& path);

}  // namespace plexus::cli

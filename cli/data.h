// Data: what the command's DATA argument stands for, read into data sets.
#pragma once
#include <optional>
#include <string>

#include "plexus/trainer/dataset.h"

namespace plexus::cli {

struct DataOptions {
  std::string path;               ///< "fashion-mnist", a directory with the four IDX files, a .npy or .csv file
  std::string test;               ///< the same, for the test data; empty: what comes with `path`
  std::string label;              ///< name or index of the label column of a table; empty: the last one
  Task task = Task::automatic;
};

struct Data {
  Dataset train;
  std::optional<Dataset> test;    ///< absent where neither `path` nor `test` has one: split it off
  std::string reason;             ///< why it is classification or regression
};

/// Reads it. The classes of the test data are those of the training data.
/// Throws ArgumentError (no such column, an option that does not fit this kind of data), IoError, FormatError, DataError.
Data open_data(const DataOptions& options);

/// True where `path` brings test data of its own.
bool has_test_part(const std::string& path);

}  // namespace plexus::cli

// Model data: rows of a file for a saved model, in the order and with the categories of its training data.
#pragma once
#include <string>
#include <vector>

#include "plexus/cli/result.h"
#include "plexus/layers/sequential.h"
#include "plexus/trainer/dataset.h"

namespace plexus::cli {

/// Rows to predict from: a table without its label columns (columns that have the model's target names are left out), a .npy
/// of rows of the model's shape, or a directory of IDX files (its test part). Columns are taken by name where file and model
/// have names, else by position. Throws IoError, FormatError; DataError, naming the column, where one is missing, unknown, of
/// another type or without a value that the model could fill in.
Dataset open_rows(const std::string& path, const Sequential& model);

/// Rows with labels to test with. `labels` as --label has them; empty: the columns with the model's target names, else the last.
Dataset open_labelled_rows(const std::string& path, const Sequential& model, const std::string& labels);

/// Columns with categories that the model does not know.
std::vector<UnknownCategories> unknown_categories(const Dataset& data);

/// A line for people, empty where there are none: "column 'city': 3 rows with unknown categories, taken as none".
std::string note(const std::vector<UnknownCategories>& unknown);

}  // namespace plexus::cli

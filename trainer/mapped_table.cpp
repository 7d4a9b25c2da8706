// Data sets whose features stay in a file.
#include <algorithm>
#include <cmath>

#include "plexus/core/error.h"
#include "plexus/trainer/dataset.h"
#include "plexus/trainer/dataset_data.h"

namespace plexus {
namespace {

/// A column of the table as f64: what from_table takes apart.
template <class T>
void copy_column(const T* table, int64_t rows, int64_t width, int64_t column, double* out, int64_t stride) {
  for (int64_t row = 0; row < rows; ++row)
    out[row * stride] = static_cast<double>(table[row * width + column]);
}

void copy_column(const io::NpyMap& table, int64_t column, double* out, int64_t stride) {
  const int64_t rows = table.shape().rows(), width = table.shape().columns();
  switch (table.dtype()) {
    case DType::u8:
      return copy_column(reinterpret_cast<const uint8_t*>(table.elements()), rows, width, column, out,
                         stride);
    case DType::f64:
      return copy_column(reinterpret_cast<const double*>(table.elements()), rows, width, column, out, stride);
    default:
      return copy_column(reinterpret_cast<const float*>(table.elements()), rows, width, column, out, stride);
  }
}

/// Stands for the features where from_table looks at label columns alone: a column of zeros.
constexpr int64_t stand_in = 1;

}  // namespace

Dataset Dataset::map_table(const std::string& file, const TableOptions& options) {
  const auto map = std::make_shared<const io::NpyMap>(file);
  if (map->shape().rank() != 2)
    throw ShapeError(file + ": shape " + to_string(map->shape()) + ", not [rows, columns]: reshape it");
  const int64_t rows = map->shape().rows(), width = map->shape().columns();
  if (rows == 0) throw DataError(file + ": no rows: nothing to learn from");
  if (!options.label_names.empty())
    throw ArgumentError(file + ": label column '" + options.label_names[0] +
                        "': the table has no column names: give its number");
  if (options.missing == Missing::drop)
    throw ArgumentError(file + ": rows cannot be dropped from a mapped table: use subset, or load it");
  std::vector<int64_t> labels;
  for (const int64_t label : options.labels) {
    labels.push_back(label < 0 ? label + width : label);
    if (labels.back() < 0 || labels.back() >= width)
      throw ArgumentError(file + ": label column " + std::to_string(label) + ": the table has " +
                          std::to_string(width) + " columns: choose 0 to " + std::to_string(width - 1) +
                          ", or -1 for the last");
  }
  std::vector<int64_t> features;
  for (int64_t column = 0; column < width; ++column)
    if (std::find(labels.begin(), labels.end(), column) == labels.end()) features.push_back(column);
  if (features.empty())
    throw DataError(file + ": no column that is no label: a table needs at least one feature column");
  if (features.back() - features.front() + 1 != static_cast<int64_t>(features.size()))
    throw ArgumentError(
        file + ": label columns between features cannot be mapped: put them first or last, or load it");
  if (!options.columns.empty() && options.columns.size() != features.size())
    throw DataError(file + ": " + std::to_string(features.size()) +
                    " feature columns, the training data had " + std::to_string(options.columns.size()));

  // The labels alone, as a table of their own: tasks and classes are found as in any table.
  const auto taken = static_cast<int64_t>(labels.size());
  Tensor narrow(DType::f64, {rows, stand_in + taken});
  TableOptions narrow_options = options;
  narrow_options.columns.clear();
  narrow_options.labels.clear();
  for (int64_t i = 0; i < taken; ++i) {
    copy_column(*map, labels[static_cast<size_t>(i)], narrow.values<double>().data() + stand_in + i,
                stand_in + taken);
    narrow_options.labels.push_back(stand_in + i);
  }
  const Dataset targets = from_table(narrow, narrow_options);
  Data data = *targets.data_;
  data.features = Tensor();
  data.column_names = options.columns;
  data.type = map->dtype();
  data.count = rows;
  data.stride = width;
  data.feature_shape = Shape{static_cast<int64_t>(features.size())};
  data.first = map->elements() + features.front() * static_cast<int64_t>(size_of(data.type));
  data.map = map;
  return Dataset(std::move(data));
}

namespace {

void check_rows(const io::NpyMap& map, int64_t targets) {
  if (map.shape().rank() < 2)
    throw ShapeError(map.path() + ": features have shape " + to_string(map.shape()) +
                     ", not [rows, columns]: reshape them");
  if (map.shape().rows() != targets)
    throw ShapeError(map.path() + ": " + std::to_string(map.shape().rows()) + " rows of features, " +
                     std::to_string(targets) + " of targets: give one target a row");
}

}  // namespace

/// The targets of a data set of a column of zeros, with the features of the file.
Dataset Dataset::mapped_features(const std::string& file, const Dataset& targets) {
  const auto map = std::make_shared<const io::NpyMap>(file);
  check_rows(*map, targets.size());
  Data data = *targets.data_;
  data.features = Tensor();
  data.type = map->dtype();
  data.count = map->shape().rows();
  data.feature_shape = map->shape().row();
  data.stride = data.feature_shape.elements();
  data.first = map->elements();
  data.map = map;
  return Dataset(std::move(data));
}

Dataset Dataset::map_classification(const std::string& file, Tensor labels,
                                    std::vector<std::string> class_names) {
  Tensor zeros(DType::u8, {labels.shape().rows(), stand_in});
  return mapped_features(file, classification(std::move(zeros), std::move(labels), std::move(class_names)));
}

Dataset Dataset::map_regression(const std::string& file, Tensor targets) {
  Tensor zeros(DType::u8, {targets.shape().rows(), stand_in});
  return mapped_features(file, regression(std::move(zeros), std::move(targets)));
}

}  // namespace plexus

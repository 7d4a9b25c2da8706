#include "plexus/cli/model_data.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "plexus/cli/data.h"
#include "plexus/cli/image_directory.h"
#include "plexus/core/error.h"
#include "plexus/io/npy.h"
#include "plexus/layers/one_hot.h"

namespace plexus::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* readable = "a file .npy or .csv, or a directory of IDX files";

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool imputes(const Sequential& model) {
  for (size_t i = 0; i < model.size(); ++i)
    if (model[i].stage() == Stage::impute) return true;
  return false;
}

/// What the model knows of its training data. Missing values are kept, and looked at when columns have names.
TableOptions options_of(const Sequential& model) {
  TableOptions options{.labels = {}, .missing = Missing::keep};
  options.columns = model.schema().columns;
  if (options.columns.empty() && model.input_shape().rank() == 1)
    options.columns.resize(size_t(model.input_shape().elements()));  // by position
  return options;
}

void check_missing(const Sequential& model, const Dataset& data) {
  if (imputes(model)) return;
  std::vector<float> row(size_t(data.feature_shape().elements()));
  for (int64_t i = 0; i < data.size(); ++i) {
    data.read_features(i, row.data());
    const auto gap = std::find_if(row.begin(), row.end(), [](float x) { return std::isnan(x); });
    if (gap != row.end())
      throw DataError(data.place(i) + ": " + data.column_label(gap - row.begin()) +
                      ": missing value: fill it in, or train the model with --missing mean");
  }
}

/// The categories' numbers are the model's; rows have its shape.
Dataset fitted(const Sequential& model, const Dataset& data) {
  if (!(data.feature_shape() == model.input_shape()))
    throw ShapeError("rows of shape " + to_string(data.feature_shape()) + ", the model takes " +
                     to_string(model.input_shape()));
  check_missing(model, data);
  if (data.feature_shape().rank() != 1) return data;
  const auto* one_hot = dynamic_cast<const OneHot*>(&model[0]);
  return data.with_categories(one_hot ? one_hot->categories()
                                      : Categories(size_t(data.feature_shape().elements())));
}

/// Rows of the model's shape as they are; else a table.
Dataset rows_of(const Sequential& model, Tensor rows) {
  const int64_t count = rows.shape().rank() == 0 ? 1 : rows.shape().rows();
  if (model.input_shape().rank() == 1 || rows.shape().rank() == 0 ||
      !(rows.shape().row() == model.input_shape()))
    return Dataset::from_table(rows, options_of(model));
  if (rows.dtype() != DType::u8) rows = rows.converted(DType::f32);
  return Dataset::regression(std::move(rows), Tensor(DType::f32, {count, 0}));
}

}  // namespace

Dataset open_rows(const std::string& path, const Sequential& model) {
  if (is_image_directory(path))
    return in_file(path, [&] { return fitted(model, open_image_part(path, "t10k", {})); });
  if (fs::path(path).extension() == ".npy") {
    const Tensor rows = load_npy(path);
    return in_file(path, [&] { return fitted(model, rows_of(model, rows)); });
  }
  if (!is_csv(path)) refuse_file(path, readable);
  const Schema& schema = model.schema();
  Table table = open_csv(path, schema.columns);
  std::erase_if(table.columns, [&](const Column& column) {
    return contains(schema.targets, column.name) && !contains(schema.columns, column.name);
  });
  return in_file(path, [&] { return fitted(model, Dataset::from_table(table, options_of(model))); });
}

Dataset open_labelled_rows(const std::string& path, const Sequential& model, const std::string& labels) {
  const Schema& schema = model.schema();
  if (is_image_directory(path)) {
    if (!labels.empty()) throw ArgumentError("--label is for tables; " + path + " has files of labels");
    return in_file(path, [&] { return fitted(model, open_image_part(path, "t10k", schema.classes)); });
  }
  TableOptions options = options_of(model);
  options.class_names = schema.classes;
  options.task = schema.classes.empty() ? Task::regress : Task::classify;
  const int64_t columns = schema.classes.empty() ? model.output_shape().elements() : 1;
  for (int64_t column = -columns; column < 0; ++column) options.labels.push_back(column);
  if (fs::path(path).extension() == ".npy") {
    const Tensor table = load_npy(path);
    set_labels(options, labels, {});
    return in_file(path, [&] { return fitted(model, Dataset::from_table(table, options)); });
  }
  if (!is_csv(path)) refuse_file(path, readable);
  const Table table = open_csv(path, schema.columns);
  const std::vector<std::string> names = column_names(table);
  if (labels.empty() && !names.empty() && !schema.targets.empty()) {
    for (const std::string& target : schema.targets)
      if (!contains(names, target))
        throw DataError(path + ": column '" + target +
                        "' is missing: it holds the labels; or name another by --label");
    options.label_names = schema.targets;
  }
  set_labels(options, labels, names);
  return in_file(path, [&] { return fitted(model, Dataset::from_table(table, options)); });
}

std::vector<UnknownCategories> unknown_categories(const Dataset& data) {
  std::vector<UnknownCategories> result;
  const std::vector<int64_t> counts = data.unknown_categories();
  for (size_t column = 0; column < counts.size(); ++column)
    if (counts[column] > 0) {
      const auto& names = data.column_names();
      const bool named = !names.empty() && !names[column].empty();
      result.push_back({named ? names[column] : std::to_string(column), counts[column]});
    }
  return result;
}

std::string note(const std::vector<UnknownCategories>& unknown) {
  std::string text;
  for (const auto& [column, rows] : unknown)
    text += "column '" + column + "': " + std::to_string(rows) + (rows == 1 ? " row" : " rows") +
            " with categories that the model does not know, taken as none\n";
  return text;
}

}  // namespace plexus::cli

// Tables become data sets: some columns are labels, the others are features.
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <string_view>

#include "plexus/core/error.h"
#include "plexus/trainer/dataset.h"
#include "plexus/trainer/dataset_data.h"
#include "plexus/trainer/labels.h"
#include "plexus/trainer/names.h"

namespace plexus {
namespace {

using Numbers = std::vector<double>;
using Texts = std::vector<std::string>;
using Positions = std::vector<int64_t>;

// Numbers of categories lie in f32, which tells so many whole numbers apart.
constexpr size_t most_categories = size_t{1} << 24;

std::string count_of(size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

/// Position of a label column; negative counts from the end.
int64_t label_position(int64_t label, int64_t columns) {
  const int64_t position = label < 0 ? label + columns : label;
  if (position < 0 || position >= columns)
    throw ArgumentError("label column " + std::to_string(label) + ": the table has " +
                        std::to_string(columns) + " columns: choose 0 to " + std::to_string(columns - 1) +
                        ", or -1 for the last");
  return position;
}

/// Positions of the label columns in a table whose columns have these names (empty ones: unnamed).
Positions label_positions(const std::vector<std::string>& names, const TableOptions& options) {
  Positions positions;
  if (options.label_names.empty())
    for (const int64_t label : options.labels)
      positions.push_back(label_position(label, static_cast<int64_t>(names.size())));
  for (const std::string& label : options.label_names) {
    const auto found = std::find(names.begin(), names.end(), label);
    if (found != names.end() && !label.empty()) {
      positions.push_back(found - names.begin());
      continue;
    }
    std::vector<std::string> known = names;
    std::erase(known, "");
    throw ArgumentError("label column " + in_quotes(label) + ": " +
                        (known.empty() ? "the table has no column names: give its number"
                                       : "no such column: choose one of " + listed(known)));
  }
  Positions sorted = positions;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end())
    throw ArgumentError("label column " + std::to_string(*twice) + " is given twice");
  return positions;
}

/// Positions of the features that `wanted` names, in its order. `names` are those of the table's columns,
/// `features` the positions that are no labels.
Positions named_positions(const std::string& table, const std::vector<std::string>& names,
                          const Positions& features, const std::vector<std::string>& wanted) {
  std::map<std::string, int64_t> found;
  for (const int64_t column : features)
    if (!found.emplace(names[static_cast<size_t>(column)], column).second)
      throw DataError(table + ": column " + in_quotes(names[static_cast<size_t>(column)]) +
                      " is there twice: rename one");
  Positions positions;
  for (const std::string& name : wanted) {
    const auto place = found.find(name);
    if (place == found.end())
      throw DataError(table + ": column " + in_quotes(name) +
                      " is missing: the columns of the training data are " + listed(wanted));
    positions.push_back(place->second);
    found.erase(place);
  }
  if (!found.empty())
    throw DataError(table + ": column " + in_quotes(found.begin()->first) +
                    " is not among the columns of the training data (" + listed(wanted) + "): remove it");
  return positions;
}

/// Positions of the features.
Positions feature_positions(const std::string& table, const std::vector<std::string>& names,
                            const Positions& labels, const std::vector<std::string>& wanted) {
  Positions features;
  for (size_t column = 0; column < names.size(); ++column)
    if (std::find(labels.begin(), labels.end(), static_cast<int64_t>(column)) == labels.end())
      features.push_back(static_cast<int64_t>(column));
  if (features.empty())
    throw DataError(table + ": " + (names.size() == 1 ? "one column" : "no column that is no label") +
                    ": a table needs at least one feature column beside the label");
  if (wanted.empty()) return features;
  const auto unnamed = [](const std::string& name) { return name.empty(); };
  const bool both = std::none_of(wanted.begin(), wanted.end(), unnamed) &&
                    !std::all_of(names.begin(), names.end(), unnamed);
  // Names that are the same in the same order are taken as they are, even where one is there twice.
  const bool same = features.size() == wanted.size() &&
                    std::equal(features.begin(), features.end(), wanted.begin(),
                               [&](int64_t f, const auto& w) { return names[static_cast<size_t>(f)] == w; });
  if (both && !same) return named_positions(table, names, features, wanted);
  const std::string counts = table + ": " + count_of(features.size(), "feature column") +
                             ", the training data had " + std::to_string(wanted.size());
  if (features.size() < wanted.size()) {
    const std::string& first = wanted[features.size()];
    throw DataError(counts + ": column " + (first.empty() ? std::to_string(features.size()) : in_quotes(first)) +
                    " is missing");
  }
  if (features.size() > wanted.size())
    throw DataError(counts + (unnamed(wanted[0]) ? "" : " (" + listed(wanted) + ")") + ": column " +
                    std::to_string(features[wanted.size()]) + " is one too many");
  return features;
}

/// Rows of `count` that are kept. `missing(row, column)` tells of the values of features and labels.
template <class IsMissing>
Positions kept_rows(int64_t count, const Positions& features, const Positions& labels, Missing missing,
                    const IsMissing& is_missing, const Place& place, const auto& column_label) {
  Positions rows;
  for (int64_t row = 0; row < count; ++row) {
    const auto gap =
        std::find_if(features.begin(), features.end(), [&](int64_t c) { return is_missing(row, c); });
    if (missing == Missing::error && gap != features.end()) {
      int64_t gaps = 0;
      for (int64_t other = row; other < count; ++other) gaps += is_missing(other, *gap);
      throw DataError(
          place(row) + ": " + column_label(*gap) +
          (gaps == count
               ? " has no value in any row: remove the column"
               : ": missing value: fill it in, or let the option 'missing' drop such rows or fill in "
                 "the mean"));
    }
    const bool drop = missing == Missing::drop &&
                      (gap != features.end() || std::any_of(labels.begin(), labels.end(),
                                                            [&](int64_t c) { return is_missing(row, c); }));
    if (!drop) rows.push_back(row);
  }
  if (rows.empty()) throw DataError(place(0) + ": as all other rows it has missing values: no row is left");
  return rows;
}

template <class T>
bool is_nan(T value) {
  if constexpr (std::is_floating_point_v<T>) return std::isnan(value);
  return false;
}

/// Numbers of the categories of `texts` in these rows; "" is missing.
std::vector<std::string> encode(const Texts& texts, const Positions& rows, float* out, int64_t stride) {
  std::map<std::string_view, float> numbers;
  for (const int64_t row : rows)
    if (const std::string& text = texts[static_cast<size_t>(row)]; !text.empty()) numbers.emplace(text, 0.0f);
  if (numbers.size() > most_categories) return {};
  std::vector<std::string> names;
  for (auto& [name, number] : numbers) {
    number = static_cast<float>(names.size());
    names.emplace_back(name);
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::string& text = texts[static_cast<size_t>(rows[i])];
    out[static_cast<int64_t>(i) * stride] = text.empty() ? std::nanf("") : numbers.at(text);
  }
  return names;
}

/// The targets of a matrix, and its features into `features`.
template <class T>
std::vector<LabelColumn> take_apart(const Tensor& table, const Positions& rows, const Positions& columns,
                                    const Positions& labels, Tensor& features) {
  const int64_t width = table.shape().columns();
  const T* in = table.values<T>().data();
  const auto copy = [&](auto* out) {
    for (const int64_t row : rows)
      for (const int64_t column : columns)
        *out++ = static_cast<std::remove_reference_t<decltype(*out)>>(in[row * width + column]);
  };
  if (features.dtype() == DType::u8)
    copy(features.values<uint8_t>().data());
  else
    copy(features.values<float>().data());
  std::vector<LabelColumn> taken;
  for (const int64_t label : labels) {
    Numbers numbers;
    for (const int64_t row : rows) numbers.push_back(static_cast<double>(in[row * width + label]));
    taken.push_back({std::move(numbers), "column " + std::to_string(label)});
  }
  return taken;
}

/// The targets, written into `data`.
template <class Data>
void set_targets(Data& data, const std::vector<LabelColumn>& labels, int64_t rows,
                 const TableOptions& options, const Place& place) {
  Targets targets = make_targets(labels, rows, options, place);
  data.targets = std::move(targets.values);
  data.labels = targets.classify;
  data.class_names = std::move(targets.class_names);
  data.task_reason = std::move(targets.reason);
}

/// Calls `work` with the element type of the matrix.
template <class Work>
void with_type(const Tensor& table, const Work& work) {
  switch (table.dtype()) {
    case DType::f32:
      return work(float{});
    case DType::f64:
      return work(double{});
    case DType::i32:
      return work(int32_t{});
    case DType::i64:
      return work(int64_t{});
    case DType::u8:
      return work(uint8_t{});
    case DType::bf16:
    case DType::i8:
      throw ShapeError("table: element type " + std::string(to_string(table.dtype())) +
                       " is not supported: convert it to f32");
  }
}

}  // namespace

Dataset Dataset::from_table(const Tensor& table, const TableOptions& options) {
  if (table.shape().rank() != 2)
    throw ShapeError("table: shape " + to_string(table.shape()) + ", not [rows, columns]: reshape it");
  const int64_t count = table.shape().rows(), columns = table.shape().columns();
  if (count == 0) throw DataError("table: no rows: nothing to learn from");
  const std::vector<std::string> names(static_cast<size_t>(columns));
  const Positions labels = label_positions(names, options);
  const Positions features = feature_positions("table", names, labels, options.columns);

  Data data;
  with_type(table, [&]<class T>(T) {
    const T* in = table.values<T>().data();
    const Positions rows = kept_rows(
        count, features, labels, options.missing,
        [&](int64_t row, int64_t column) { return is_nan(in[row * columns + column]); },
        [](int64_t row) { return "row " + std::to_string(row); },
        [](int64_t column) { return "column " + std::to_string(column); });
    const auto kept = static_cast<int64_t>(rows.size());
    data.dropped = count - kept;
    if (data.dropped > 0) data.lines = rows;
    data.features = Tensor(table.dtype() == DType::u8 ? DType::u8 : DType::f32,
                           {kept, static_cast<int64_t>(features.size())});
    set_targets(data, take_apart<T>(table, rows, features, labels, data.features), kept, options,
                [&](int64_t row) { return "row " + std::to_string(rows[static_cast<size_t>(row)]); });
  });
  data.column_names = options.columns;
  return Dataset(std::move(data));
}

Dataset Dataset::from_table(const Table& table, const TableOptions& options) {
  const std::string file = table.file.empty() ? "table" : table.file;
  if (table.rows() == 0) throw DataError(file + ": no rows: nothing to learn from");
  std::vector<std::string> names;
  for (const Column& column : table.columns) names.push_back(column.name);
  const Positions labels = label_positions(names, options);
  const Positions features = feature_positions(file, names, labels, options.columns);

  const auto column_of = [&](int64_t column) -> const Column& {
    return table.columns[static_cast<size_t>(column)];
  };
  const auto label_of = [&](int64_t column) {
    const std::string& name = column_of(column).name;
    return "column " + (name.empty() ? std::to_string(column) : in_quotes(name));
  };
  const Positions rows = kept_rows(
      table.rows(), features, labels, options.missing,
      [&](int64_t row, int64_t column) {
        const auto at = static_cast<size_t>(row);
        const Texts* texts = std::get_if<Texts>(&column_of(column).values);
        return texts ? (*texts)[at].empty() : std::isnan(std::get<Numbers>(column_of(column).values)[at]);
      },
      [&](int64_t row) { return file + ": line " + std::to_string(table.lines[static_cast<size_t>(row)]); },
      label_of);

  Data data;
  data.file = file;
  data.dropped = table.rows() - static_cast<int64_t>(rows.size());
  for (const int64_t row : rows) data.lines.push_back(table.lines[static_cast<size_t>(row)]);
  const auto kept = static_cast<int64_t>(rows.size()), width = static_cast<int64_t>(features.size());
  data.features = Tensor(DType::f32, {kept, width});
  Categories categories(features.size());
  for (int64_t position = 0; position < width; ++position) {
    const int64_t column = features[static_cast<size_t>(position)];
    float* out = data.features.values<float>().data() + position;
    data.column_names.push_back(column_of(column).name);
    if (const Texts* texts = std::get_if<Texts>(&column_of(column).values)) {
      auto& found = categories[static_cast<size_t>(position)];
      found = encode(*texts, rows, out, width);
      if (found.empty())
        throw DataError(file + ": " + label_of(column) + " has no category, or more than " +
                        std::to_string(most_categories) + ": remove it");
    } else {
      const Numbers& numbers = std::get<Numbers>(column_of(column).values);
      for (int64_t i = 0; i < kept; ++i)
        out[i * width] = static_cast<float>(numbers[static_cast<size_t>(rows[static_cast<size_t>(i)])]);
    }
  }
  if (std::any_of(categories.begin(), categories.end(), [](const auto& names) { return !names.empty(); }))
    data.categories = std::move(categories);
  const auto unnamed = [](const std::string& name) { return name.empty(); };
  if (std::all_of(data.column_names.begin(), data.column_names.end(), unnamed))
    data.column_names = options.columns;

  std::vector<LabelColumn> taken;
  for (const int64_t label : labels) {
    taken.push_back({std::visit(
                         [&](const auto& values) -> std::variant<Numbers, Texts> {
                           std::decay_t<decltype(values)> some;
                           for (const int64_t row : rows) some.push_back(values[static_cast<size_t>(row)]);
                           return some;
                         },
                         column_of(label).values),
                     label_of(label)});
    data.target_names.push_back(column_of(label).name);
  }
  if (std::all_of(data.target_names.begin(), data.target_names.end(), unnamed)) data.target_names.clear();
  set_targets(data, taken, kept, options, [&](int64_t row) {
    return file + ": line " + std::to_string(data.lines[static_cast<size_t>(row)]);
  });
  return Dataset(std::move(data));
}

}  // namespace plexus

// Tables become data sets: one column is the label, the others are features.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <map>
#include <set>

#include "plexus/core/error.h"
#include "plexus/trainer/dataset.h"
#include "plexus/trainer/dataset_data.h"

namespace plexus {
namespace {

// A regression target that takes more values than this is more likely a count or a price than a class;
// digits, letters and their like have fewer.
constexpr size_t most_classes = 64;

using Numbers = std::vector<double>;
using Texts = std::vector<std::string>;

/// The label column, taken out of its table.
struct Labels {
  std::variant<Numbers, Texts> values;
  std::string column;                             // "column 13", "column 'species'": for messages
  std::function<std::string(int64_t row)> place;  // "row 4", "iris.csv: line 5"
};

struct Decision {
  bool classify = false;
  std::string reason;
};

std::string quoted(const std::string& text) { return "'" + text + "'"; }

std::string join(const std::vector<std::string>& parts) {
  std::string all;
  for (const std::string& part : parts) all += (all.empty() ? "" : ", ") + part;
  return all;
}

bool whole(double x) { return std::isfinite(x) && x == std::floor(x); }

/// "3", "0.5": the shortest text that reads back as the same number, whole numbers in full.
std::string number_name(double x) {
  char text[32];
  const bool as_integer = whole(x) && std::abs(x) < 1e15;
  const auto end = as_integer ? std::to_chars(text, text + sizeof(text), static_cast<int64_t>(x))
                              : std::to_chars(text, text + sizeof(text), x);
  return std::string(text, end.ptr);
}

Decision decide(const Numbers& values, const std::string& column) {
  std::map<double, int64_t> counts;
  for (double value : values) {
    if (!whole(value)) return {false, "regress: " + column + " holds values that are not whole numbers"};
    ++counts[value];
  }
  if (counts.size() > most_classes)
    return {false, "regress: " + column + " holds " + std::to_string(counts.size()) +
                       " distinct whole numbers, more than " + std::to_string(most_classes)};
  for (const auto& [value, count] : counts)
    if (count < 2) return {false, "regress: " + column + " holds " + number_name(value) + " in one row only"};
  return {true, "classify: " + std::to_string(counts.size()) + " distinct whole number" +
                    (counts.size() == 1 ? "" : "s") + " with two or more rows each"};
}

Decision decide(const Texts& values, const std::string&) {
  const size_t count = std::set<std::string>(values.begin(), values.end()).size();
  return {true, "classify: " + std::to_string(count) + " distinct text label" + (count == 1 ? "" : "s")};
}

Decision decide(const Labels& labels, const TableOptions& options) {
  if (!options.class_names.empty()) return {true, "classify: the classes of the training data"};
  switch (options.task) {
    case Task::classify:
      return {true, "classify: as asked for"};
    case Task::regress:
      return {false, "regress: as asked for"};
    case Task::automatic:
      break;
  }
  return std::visit([&](const auto& values) { return decide(values, labels.column); }, labels.values);
}

/// Class numbers, and their names in the order of the numbers.
struct Classes {
  Tensor numbers;
  std::vector<std::string> names;
};

const std::string& name_of(const std::string& label) { return label; }
std::string name_of(double label) { return number_name(label); }

template <class T>
Classes classes_of(const std::vector<T>& values) {
  Classes result{Tensor(DType::i32, {static_cast<int64_t>(values.size())}), {}};
  std::map<T, int32_t> numbers;  // ascending
  for (const T& value : values) numbers.emplace(value, 0);
  for (auto& [value, number] : numbers) {
    number = static_cast<int32_t>(result.names.size());
    result.names.push_back(name_of(value));
  }
  const auto out = result.numbers.values<int32_t>();
  for (size_t row = 0; row < values.size(); ++row) out[row] = numbers.at(values[row]);
  return result;
}

template <class T>
Classes classes_among(const std::vector<T>& values, const std::vector<std::string>& names,
                      const Labels& labels) {
  Classes result{Tensor(DType::i32, {static_cast<int64_t>(values.size())}), names};
  std::map<std::string, int32_t> numbers;
  for (const std::string& name : names) numbers.emplace(name, static_cast<int32_t>(numbers.size()));
  const auto out = result.numbers.values<int32_t>();
  for (size_t row = 0; row < values.size(); ++row) {
    const auto found = numbers.find(name_of(values[row]));
    if (found == numbers.end())
      throw DataError(labels.place(static_cast<int64_t>(row)) + ": " + labels.column + ": label " +
                      quoted(name_of(values[row])) + " is not among the classes of the training data (" +
                      join(names) + "): remove the row or add such rows to the training data");
    out[row] = found->second;
  }
  return result;
}

Tensor real_targets(const Labels& labels) {
  if (const Texts* texts = std::get_if<Texts>(&labels.values))
    throw DataError(labels.place(0) + ": " + labels.column + " holds text (" + quoted(texts->front()) +
                    "), which cannot be regressed: classify it");
  const Numbers& numbers = std::get<Numbers>(labels.values);
  Tensor targets(DType::f32, {static_cast<int64_t>(numbers.size()), 1});
  std::transform(numbers.begin(), numbers.end(), targets.values<float>().begin(),
                 [](double x) { return static_cast<float>(x); });
  return targets;
}

void check_labels(const Labels& labels) {
  const Numbers* numbers = std::get_if<Numbers>(&labels.values);
  if (!numbers) return;
  const auto bad = std::find_if(numbers->begin(), numbers->end(), [](double x) { return std::isnan(x); });
  if (bad != numbers->end())
    throw DataError(labels.place(bad - numbers->begin()) + ": " + labels.column +
                    ": the label is NaN: remove the row");
}

/// Targets, their names and the reason, written into `data`.
template <class Data>
void set_targets(Data& data, const Labels& labels, const TableOptions& options) {
  check_labels(labels);
  const Decision decision = decide(labels, options);
  data.task_reason = decision.reason;
  data.labels = decision.classify;
  if (!decision.classify) {
    data.targets = real_targets(labels);
    return;
  }
  Classes classes = std::visit(
      [&](const auto& values) {
        return options.class_names.empty() ? classes_of(values)
                                           : classes_among(values, options.class_names, labels);
      },
      labels.values);
  data.targets = std::move(classes.numbers);
  data.class_names = std::move(classes.names);
}

/// Position of the label column; negative counts from the end.
int64_t label_position(int64_t label, int64_t columns) {
  const int64_t position = label < 0 ? label + columns : label;
  if (position < 0 || position >= columns)
    throw ArgumentError("label column " + std::to_string(label) + ": the table has " +
                        std::to_string(columns) + " columns: choose 0 to " + std::to_string(columns - 1) +
                        ", or -1 for the last");
  return position;
}

int64_t label_position(const Table& table, const TableOptions& options) {
  if (options.label_name.empty())
    return label_position(options.label, static_cast<int64_t>(table.columns.size()));
  std::vector<std::string> names;
  for (const Column& column : table.columns) {
    if (column.name == options.label_name) return static_cast<int64_t>(names.size());
    if (!column.name.empty()) names.push_back(column.name);
  }
  throw ArgumentError("label column " + quoted(options.label_name) + ": " +
                      (names.empty() ? "the table has no column names: give its number"
                                     : "no such column: choose one of " + join(names)));
}

void check_size(const std::string& table, int64_t rows, int64_t columns) {
  if (rows == 0) throw DataError(table + ": no rows: nothing to learn from");
  if (columns < 2)
    throw DataError(table + ": one column: a table needs at least one feature column beside the label");
}

template <class T>
void take_apart(const Tensor& table, int64_t label, Tensor& features, Numbers& labels) {
  const int64_t rows = table.shape().rows(), columns = table.shape().columns();
  const T* in = table.values<T>().data();
  const auto copy = [&](auto* out) {
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t column = 0; column < columns; ++column) {
        const T value = in[row * columns + column];
        if (column == label)
          labels.push_back(static_cast<double>(value));
        else
          *out++ = static_cast<std::remove_reference_t<decltype(*out)>>(value);
      }
  };
  if (features.dtype() == DType::u8)
    copy(features.values<uint8_t>().data());
  else
    copy(features.values<float>().data());
}

}  // namespace

Dataset Dataset::from_table(const Tensor& table, const TableOptions& options) {
  if (table.shape().rank() != 2)
    throw ShapeError("table: shape " + to_string(table.shape()) + ", not [rows, columns]: reshape it");
  if (!options.label_name.empty())
    throw ArgumentError("label column " + quoted(options.label_name) +
                        ": the table has no column names: give its number");
  const int64_t rows = table.shape().rows(), columns = table.shape().columns();
  check_size("table", rows, columns);
  const int64_t label = label_position(options.label, columns);

  Data data;
  data.features = Tensor(table.dtype() == DType::u8 ? DType::u8 : DType::f32, {rows, columns - 1});
  Numbers numbers;
  numbers.reserve(static_cast<size_t>(rows));
  switch (table.dtype()) {
    case DType::f32:
      take_apart<float>(table, label, data.features, numbers);
      break;
    case DType::f64:
      take_apart<double>(table, label, data.features, numbers);
      break;
    case DType::i32:
      take_apart<int32_t>(table, label, data.features, numbers);
      break;
    case DType::i64:
      take_apart<int64_t>(table, label, data.features, numbers);
      break;
    case DType::u8:
      take_apart<uint8_t>(table, label, data.features, numbers);
      break;
    case DType::bf16:
    case DType::i8:
      throw ShapeError("table: element type " + std::string(to_string(table.dtype())) +
                       " is not supported: convert it to f32");
  }
  set_targets(data,
              Labels{std::move(numbers), "column " + std::to_string(label),
                     [](int64_t row) { return "row " + std::to_string(row); }},
              options);
  return Dataset(std::move(data));
}

Dataset Dataset::from_table(const Table& table, const TableOptions& options) {
  const int64_t rows = table.rows(), columns = static_cast<int64_t>(table.columns.size());
  const std::string file = table.file.empty() ? "table" : table.file;
  check_size(file, rows, columns);
  const int64_t label = label_position(table, options);
  const auto column_label = [&](int64_t column) {
    const std::string& name = table.columns[static_cast<size_t>(column)].name;
    return "column " + (name.empty() ? std::to_string(column) : quoted(name));
  };

  Data data;
  data.file = file;
  data.lines = table.lines;
  data.features = Tensor(DType::f32, {rows, columns - 1});
  float* features = data.features.values<float>().data();
  for (int64_t column = 0, position = 0; column < columns; ++column) {
    if (column == label) continue;
    const Column& source = table.columns[static_cast<size_t>(column)];
    if (const Texts* texts = std::get_if<Texts>(&source.values))
      throw DataError(file + ": line " + std::to_string(table.lines.front()) + ": " + column_label(column) +
                      " holds text (" + quoted(texts->front()) +
                      "): make it the label, or numbers, or remove it");
    const Numbers& numbers = std::get<Numbers>(source.values);
    for (int64_t row = 0; row < rows; ++row)
      features[row * (columns - 1) + position] = static_cast<float>(numbers[static_cast<size_t>(row)]);
    data.column_names.push_back(source.name);
    ++position;
  }
  if (std::all_of(data.column_names.begin(), data.column_names.end(),
                  [](const auto& name) { return name.empty(); }))
    data.column_names.clear();
  set_targets(data,
              Labels{table.columns[static_cast<size_t>(label)].values, column_label(label),
                     [&](int64_t row) {
                       return file + ": line " + std::to_string(table.lines[static_cast<size_t>(row)]);
                     }},
              options);
  return Dataset(std::move(data));
}

}  // namespace plexus

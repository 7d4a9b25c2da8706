#include "plexus/trainer/dataset.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

#include "plexus/core/error.h"
#include "plexus/trainer/dataset_data.h"
#include "plexus/trainer/labels.h"
#include "plexus/trainer/names.h"

namespace plexus {
namespace {

std::shared_ptr<const std::vector<int64_t>> all_rows(int64_t count) {
  std::vector<int64_t> rows(static_cast<size_t>(count));
  std::iota(rows.begin(), rows.end(), int64_t{0});
  return std::make_shared<const std::vector<int64_t>>(std::move(rows));
}

template <class From, class To>
void copy_row(const Tensor& matrix, int64_t row, int64_t columns, To* out) {
  const From* values = reinterpret_cast<const From*>(matrix.bytes()) + row * columns;
  for (int64_t i = 0; i < columns; ++i) out[i] = static_cast<To>(values[i]);
}

void check_features(const Tensor& features, int64_t targets) {
  if (features.dtype() != DType::f32 && features.dtype() != DType::u8)
    throw ShapeError("dataset: features are " + std::string(to_string(features.dtype())) +
                     ", not f32 or u8: convert them with Tensor::converted");
  if (features.shape().rank() < 2)
    throw ShapeError("dataset: features have shape " + to_string(features.shape()) +
                     ", not [rows, columns]: reshape them");
  if (features.shape().rows() != targets)
    throw ShapeError("dataset: " + std::to_string(features.shape().rows()) + " rows of features, " +
                     std::to_string(targets) + " of targets: give one target a row");
}

/// Rows [n, K] of which each is a distribution over the classes.
void check_one_hot(const Tensor& labels, int64_t classes) {
  if (labels.shape().columns() != classes)
    throw ShapeError("dataset: one-hot labels are " + to_string(labels.shape()) + ", with " +
                     std::to_string(classes) + " class names: give a column for every class");
  const auto values = labels.values<float>();
  for (int64_t row = 0; row < labels.shape().rows(); ++row) {
    double sum = 0;
    bool valid = true;
    for (int64_t c = 0; c < classes; ++c) {
      const float value = values[static_cast<size_t>(row * classes + c)];
      valid &= value >= 0 && value <= 1;
      sum += double{value};
    }
    // Float rows that sum to 1 are off by rounding only: 1e-3 leaves room for 10 000 classes.
    if (!valid || std::abs(sum - 1) > 1e-3)
      throw DataError("dataset: row " + std::to_string(row) +
                      ": one-hot labels lie from 0 to 1 and sum to 1: these do not");
  }
}

bool is_number(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

Dataset::Dataset() : Dataset(Data{}) {}

Dataset::Dataset(Data data) {
  if (!data.map) {
    data.first = data.features.bytes();
    data.type = data.features.dtype();
    data.count = data.features.shape().rows();
    data.feature_shape = data.features.shape().row();
    data.stride = data.feature_shape.elements();
  }
  rows_ = all_rows(data.count);
  data.target_shape = data.labels ? Shape{1} : data.targets.shape().row();
  data_ = std::make_shared<const Data>(std::move(data));
}

Dataset Dataset::classification(Tensor features, Tensor labels, std::vector<std::string> class_names) {
  const auto classes = static_cast<int64_t>(class_names.size());
  if (labels.shape().rank() == 2 && labels.dtype() == DType::f32) {
    check_features(features, labels.shape().rows());
    check_one_hot(labels, classes);
    Data data;
    data.features = std::move(features);
    data.targets = std::move(labels);
    data.task_reason = "classify: " + std::to_string(classes) + " classes given";
    data.class_names = std::move(class_names);
    return Dataset(std::move(data));
  }
  if (labels.shape().rank() != 1 || labels.dtype() == DType::f32 || labels.dtype() == DType::f64)
    throw ShapeError("dataset: labels are " + std::string(to_string(labels.dtype())) + " " +
                     to_string(labels.shape()) +
                     ", not i32 [rows] or f32 [rows, classes]: give a class number for every row");
  check_features(features, labels.shape().rows());
  if (labels.dtype() != DType::i32) labels = labels.converted(DType::i32);

  const auto numbers = std::as_const(labels).values<int32_t>();
  const auto wrong =
      std::find_if(numbers.begin(), numbers.end(), [&](int32_t c) { return c < 0 || c >= classes; });
  if (wrong != numbers.end())
    throw DataError("dataset: row " + std::to_string(wrong - numbers.begin()) + ": label " +
                    std::to_string(*wrong) + " is outside 0.." + std::to_string(classes - 1) +
                    ": number the " + std::to_string(classes) + " classes from 0");

  Data data;
  data.features = std::move(features);
  data.targets = std::move(labels);
  data.labels = true;
  data.task_reason = "classify: " + std::to_string(classes) + " classes given";
  data.class_names = std::move(class_names);
  return Dataset(std::move(data));
}

Dataset Dataset::regression(Tensor features, Tensor targets) {
  if (targets.dtype() != DType::f32 || targets.shape().rank() < 1 || targets.shape().rank() > 2)
    throw ShapeError("dataset: targets are " + std::string(to_string(targets.dtype())) + " " +
                     to_string(targets.shape()) + ", not f32 [rows, columns]: convert or reshape them");
  check_features(features, targets.shape().rows());
  Data data;
  data.features = std::move(features);
  const Shape matrix{targets.shape().rows(), targets.shape().columns()};
  data.targets = std::move(targets).reshaped(matrix);
  data.task_reason = "regress: real targets given";
  return Dataset(std::move(data));
}

Shape Dataset::feature_shape() const { return data_->feature_shape; }
Shape Dataset::target_shape() const { return data_->target_shape; }
bool Dataset::labels() const { return data_->labels; }
int64_t Dataset::classes() const { return static_cast<int64_t>(data_->class_names.size()); }
const std::vector<std::string>& Dataset::class_names() const { return data_->class_names; }
const std::vector<std::string>& Dataset::column_names() const { return data_->column_names; }
const std::vector<std::string>& Dataset::target_names() const { return data_->target_names; }
const std::string& Dataset::task_reason() const { return data_->task_reason; }
int64_t Dataset::dropped() const { return data_->dropped; }

Categories Dataset::categories() const {
  Categories present(data_->categories.size());
  const int64_t columns = data_->feature_shape.elements();
  for (size_t column = 0; column < present.size(); ++column) {
    const std::vector<std::string>& names = data_->categories[column];
    if (names.empty()) continue;
    std::vector<bool> seen(names.size());
    for (const int64_t row : *rows_) {
      const float number = data_->features.values<float>()[static_cast<size_t>(row * columns) + column];
      if (number >= 0) seen[static_cast<size_t>(number)] = true;
    }
    for (size_t i = 0; i < names.size(); ++i)
      if (seen[i]) present[column].push_back(names[i]);
    if (present[column].empty())
      throw DataError(column_label(static_cast<int64_t>(column)) +
                      " has no value in any of these rows: remove it");
  }
  return present;
}

Dataset Dataset::with_categories(const Categories& categories) const {
  if (categories == data_->categories) return *this;
  const int64_t columns = data_->feature_shape.elements(), rows = data_->features.shape().rows();
  if (!categories.empty() && static_cast<int64_t>(categories.size()) != columns)
    throw ShapeError("categories of " + std::to_string(categories.size()) + " columns for rows of " +
                     std::to_string(columns) + ": give those of the same columns");
  Data data = *data_;
  if (data.map)
    data.features = Tensor(DType::f32, {0, columns});  // numbers all of them: only names are compared
  if (data.features.dtype() != DType::f32) data.features = data.features.converted(DType::f32);
  data.categories.resize(static_cast<size_t>(columns));
  for (int64_t column = 0; column < columns; ++column) {
    const std::vector<std::string> known =
        categories.empty() ? std::vector<std::string>() : categories[static_cast<size_t>(column)];
    std::vector<std::string>& names = data.categories[static_cast<size_t>(column)];
    float* const value = data.features.values<float>().data() + column;
    if (known.empty() && names.empty()) continue;
    if (known.empty()) {
      for (int64_t i = 0; i < size(); ++i) {
        const float number = value[(*rows_)[static_cast<size_t>(i)] * columns];
        if (number >= 0 && !is_number(names[static_cast<size_t>(number)]))
          throw DataError(place(i) + ": " + column_label(column) + " holds text (" +
                          in_quotes(names[static_cast<size_t>(number)]) +
                          (categories.empty() ? "), which needs a network that begins with OneHot()"
                                              : "), the training data held numbers there"));
      }
      throw DataError(place(0) + ": " + column_label(column) +
                      " holds text, the training data held numbers there");
    }
    std::map<std::string, float> numbers;
    for (const std::string& name : known) numbers.emplace(name, static_cast<float>(numbers.size()));
    bool any = false;
    for (int64_t row = 0; row < rows; ++row) {
      float& number = value[row * columns];
      if (std::isnan(number)) continue;
      const std::string name = names.empty() ? number_name(double{number})
                               : number >= 0 ? names[static_cast<size_t>(number)]
                                             : std::string();
      const auto found = numbers.find(name);
      number = found == numbers.end() ? -1.0f : found->second;
      any |= found != numbers.end();
    }
    if (names.empty() && !any)
      throw DataError(place(0) + ": " + column_label(column) +
                      " holds numbers, the training data held text there (" + in_quotes(known.front()) + ")");
    names = known;
  }
  Dataset result(std::move(data));
  result.rows_ = rows_;
  result.weights_ = weights_;
  return result;
}

std::vector<int64_t> Dataset::unknown_categories() const {
  std::vector<int64_t> counts(data_->categories.size());
  const auto columns = static_cast<size_t>(data_->feature_shape.elements());
  for (size_t column = 0; column < counts.size(); ++column)
    if (!data_->categories[column].empty())
      for (const int64_t row : *rows_)
        counts[column] += data_->features.values<float>()[static_cast<size_t>(row) * columns + column] < 0;
  return counts;
}

Dataset Dataset::one_hot() const {
  if (classes() == 0) throw ArgumentError("dataset: one_hot: the targets are real values, not classes");
  if (!labels()) return *this;
  Data data = *data_;
  const int64_t rows = data.targets.shape().rows();
  data.targets = Tensor(DType::f32, {rows, classes()});
  for (int64_t row = 0; row < rows; ++row)
    data.targets.values<float>()[static_cast<size_t>(
        row * classes() + std::as_const(data_->targets).values<int32_t>()[static_cast<size_t>(row)])] = 1;
  data.labels = false;
  Dataset result(std::move(data));
  result.rows_ = rows_;
  result.weights_ = weights_;
  return result;
}

Dataset Dataset::with_sample_weights(std::vector<float> weights) const {
  if (static_cast<int64_t>(weights.size()) != size())
    throw ShapeError("dataset: " + std::to_string(weights.size()) + " sample weights for " +
                     std::to_string(size()) + " rows: give one for every row");
  for (size_t i = 0; i < weights.size(); ++i)
    if (!(weights[i] >= 0 && std::isfinite(weights[i])))
      throw DataError("dataset: " + place(static_cast<int64_t>(i)) + ": sample weight " +
                      std::to_string(weights[i]) + ": give 0 or more");
  Dataset result = *this;
  result.weights_ = std::make_shared<const std::vector<float>>(std::move(weights));
  return result;
}

Dataset Dataset::with_targets(const Tensor& targets) const {
  if (labels()) throw ArgumentError("dataset: with_targets: the targets are class numbers");
  if (targets.dtype() != DType::f32 || targets.shape().rank() != 2 || targets.shape().rows() != size())
    throw ShapeError("dataset: with_targets: " + std::string(to_string(targets.dtype())) + " " +
                     to_string(targets.shape()) + " for " + std::to_string(size()) +
                     " rows: give f32 [rows, columns]");
  Data data = *data_;
  const int64_t columns = targets.shape().columns();
  // Subsets share their features: targets stand where their rows do.
  data.targets = Tensor(DType::f32, {data.targets.shape().rows(), columns});
  data.target_shape = {columns};
  for (int64_t row = 0; row < size(); ++row)
    std::copy_n(targets.values<float>().data() + row * columns, columns,
                data.targets.values<float>().data() + (*rows_)[static_cast<size_t>(row)] * columns);
  Dataset result(std::move(data));
  result.rows_ = rows_;
  return result;
}

Dataset Dataset::subset(std::vector<int64_t> positions) const {
  std::vector<float> weights;
  for (int64_t& position : positions) {
    if (position < 0 || position >= size())
      throw ArgumentError("dataset: subset: row " + std::to_string(position) + " of " +
                          std::to_string(size()) + ": positions count from 0");
    if (weights_) weights.push_back((*weights_)[static_cast<size_t>(position)]);
    position = (*rows_)[static_cast<size_t>(position)];
  }
  Dataset result = *this;
  if (weights_) result.weights_ = std::make_shared<const std::vector<float>>(std::move(weights));
  result.rows_ = std::make_shared<const std::vector<int64_t>>(std::move(positions));
  return result;
}

template <class From, class To>
void Dataset::read_as(std::span<const int64_t> rows, To* out, int64_t stride) const {
  // Rows of a shuffled batch lie anywhere: without asking, each would be waited for from its first cache line on. With every line of
  // a row one of the row after the next is asked for: a fifth faster than all of the next row at once, for bytes a third.
  constexpr size_t ahead = 2;
  constexpr int64_t line = 64 / sizeof(From);
  const From* const features = reinterpret_cast<const From*>(data_->first);
  const int64_t columns = data_->feature_shape.elements(), width = data_->stride;
  const int64_t* const sources = rows_->data();
  // Told that they never overlap, the compiler moves several values with one instruction.
  const auto convert_line = [](const From* __restrict from, To* __restrict to) {
    for (int64_t i = 0; i < line; ++i) to[i] = static_cast<To>(from[i]);
  };
  for (size_t i = 0; i < rows.size(); ++i, out += stride) {
    const From* const row = features + sources[rows[i]] * width;
    const From* const later = features + sources[rows[std::min(i + ahead, rows.size() - 1)]] * width;
    int64_t at = 0;
    for (; at + line <= columns; at += line) {
      __builtin_prefetch(later + at);
      convert_line(row + at, out + at);
    }
    if (at < columns) __builtin_prefetch(later + at);
    for (; at < columns; ++at) out[at] = static_cast<To>(row[at]);
  }
}

template <class To>
void Dataset::read(std::span<const int64_t> rows, To* out, int64_t stride) const {
  if (data_->type == DType::u8)
    read_as<uint8_t>(rows, out, stride);
  else if (data_->type == DType::f64)
    read_as<double>(rows, out, stride);
  else
    read_as<float>(rows, out, stride);
}

void Dataset::read_features(int64_t row, float* out) const { read(std::span(&row, 1), out, 0); }
void Dataset::read_features(int64_t row, double* out) const { read(std::span(&row, 1), out, 0); }
void Dataset::read_features(std::span<const int64_t> rows, float* out, int64_t stride) const {
  read(rows, out, stride);
}
void Dataset::read_features(std::span<const int64_t> rows, double* out, int64_t stride) const {
  read(rows, out, stride);
}

int32_t Dataset::label(int64_t row) const {
  const int64_t source = (*rows_)[static_cast<size_t>(row)];
  if (labels()) return reinterpret_cast<const int32_t*>(data_->targets.bytes())[source];
  const auto* values = reinterpret_cast<const float*>(data_->targets.bytes()) + source * classes();
  return static_cast<int32_t>(std::max_element(values, values + classes()) - values);
}

void Dataset::read_labels(std::span<const int64_t> rows, int32_t* out) const {
  if (!labels()) {
    for (size_t i = 0; i < rows.size(); ++i) out[i] = label(rows[i]);
    return;
  }
  const auto* const values = reinterpret_cast<const int32_t*>(data_->targets.bytes());
  const int64_t* const sources = rows_->data();
  for (size_t i = 0; i < rows.size(); ++i) out[i] = values[sources[rows[i]]];
}

void Dataset::read_target(int64_t row, float* out) const {
  copy_row<float>(data_->targets, (*rows_)[static_cast<size_t>(row)], data_->target_shape.elements(), out);
}
void Dataset::read_target(int64_t row, double* out) const {
  copy_row<float>(data_->targets, (*rows_)[static_cast<size_t>(row)], data_->target_shape.elements(), out);
}

Tensor Dataset::targets() const {
  if (labels()) {
    Tensor result(DType::i32, {size()});
    const auto values = result.values<int32_t>();
    for (int64_t row = 0; row < size(); ++row) values[static_cast<size_t>(row)] = label(row);
    return result;
  }
  const int64_t columns = target_shape().elements();
  Tensor result(DType::f32, {size(), columns});
  float* out = result.values<float>().data();
  for (int64_t row = 0; row < size(); ++row) read_target(row, out + row * columns);
  return result;
}

bool Dataset::mapped() const { return data_->map != nullptr; }
void Dataset::require_unchanged() const {
  if (data_->map) data_->map->require_unchanged();
}
std::span<const std::byte> Dataset::row_bytes(int64_t row) const {
  const auto element = static_cast<int64_t>(size_of(data_->type));
  return {data_->first + (*rows_)[static_cast<size_t>(row)] * data_->stride * element,
          static_cast<size_t>(data_->feature_shape.elements() * element)};
}

std::string Dataset::place(int64_t row) const {
  const int64_t source = (*rows_)[static_cast<size_t>(row)];
  if (data_->lines.empty()) return "row " + std::to_string(source);
  const std::string line = std::to_string(data_->lines[static_cast<size_t>(source)]);
  return data_->file.empty() ? "row " + line : data_->file + ": line " + line;
}

std::string Dataset::column_label(int64_t column) const {
  const std::vector<std::string>& names = data_->column_names;
  const bool named = !names.empty() && !names[static_cast<size_t>(column)].empty();
  return "column " + (named ? in_quotes(names[static_cast<size_t>(column)]) : std::to_string(column));
}

}  // namespace plexus

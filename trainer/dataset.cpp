#include "plexus/trainer/dataset.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "plexus/core/error.h"
#include "plexus/trainer/dataset_data.h"

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

}  // namespace

Dataset::Dataset() : Dataset(Data{}) {}

Dataset::Dataset(Data data) {
  rows_ = all_rows(data.features.shape().rows());
  data.feature_shape = data.features.shape().row();
  data.target_shape = data.labels ? Shape{1} : data.targets.shape().row();
  data_ = std::make_shared<const Data>(std::move(data));
}

Dataset Dataset::classification(Tensor features, Tensor labels, std::vector<std::string> class_names) {
  if (labels.shape().rank() != 1 || labels.dtype() == DType::f32 || labels.dtype() == DType::f64)
    throw ShapeError("dataset: labels are " + std::string(to_string(labels.dtype())) + " " +
                     to_string(labels.shape()) + ", not i32 [rows]: give a class number for every row");
  check_features(features, labels.shape().rows());
  if (labels.dtype() != DType::i32) labels = labels.converted(DType::i32);

  const auto classes = static_cast<int64_t>(class_names.size());
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
const std::string& Dataset::task_reason() const { return data_->task_reason; }

Dataset Dataset::subset(std::vector<int64_t> positions) const {
  for (int64_t& position : positions) {
    if (position < 0 || position >= size())
      throw ArgumentError("dataset: subset: row " + std::to_string(position) + " of " +
                          std::to_string(size()) + ": positions count from 0");
    position = (*rows_)[static_cast<size_t>(position)];
  }
  Dataset result = *this;
  result.rows_ = std::make_shared<const std::vector<int64_t>>(std::move(positions));
  return result;
}

template <class To>
void Dataset::read(int64_t row, To* out) const {
  const int64_t source = (*rows_)[static_cast<size_t>(row)];
  const int64_t columns = data_->feature_shape.elements();
  if (data_->features.dtype() == DType::u8)
    copy_row<uint8_t>(data_->features, source, columns, out);
  else
    copy_row<float>(data_->features, source, columns, out);
}

void Dataset::read_features(int64_t row, float* out) const { read(row, out); }
void Dataset::read_features(int64_t row, double* out) const { read(row, out); }

int32_t Dataset::label(int64_t row) const {
  return reinterpret_cast<const int32_t*>(data_->targets.bytes())[(*rows_)[static_cast<size_t>(row)]];
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

std::string Dataset::place(int64_t row) const {
  const int64_t source = (*rows_)[static_cast<size_t>(row)];
  if (data_->lines.empty()) return "row " + std::to_string(source);
  return data_->file + ": line " + std::to_string(data_->lines[static_cast<size_t>(source)]);
}

}  // namespace plexus

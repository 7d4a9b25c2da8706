#include "plexus/trainer/evaluator.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "plexus/core/error.h"
#include "plexus/core/profile.h"
#include "plexus/trainer/batches.h"

namespace plexus {
namespace {

// Rows of a batch: enough to fill the registers and threads of any kernel; with 4096 columns still only 4 MB.
constexpr int64_t batch_rows = 256;


/// What a network made of a batch.
class Outputs {
 public:
  Outputs(const void* values, DType dtype, int64_t columns)
      : values_(values), dtype_(dtype), columns_(columns) {}

  double at(int64_t row, int64_t column) const {
    const int64_t i = row * columns_ + column;
    return dtype_ == DType::f64 ? static_cast<const double*>(values_)[i]
                                : static_cast<const float*>(values_)[i];
  }
  /// Column of the largest value, the lowest of equals; of the first NaN where there is one.
  int64_t argmax(int64_t row) const {
    int64_t best = 0;
    for (int64_t column = 0; column < columns_; ++column) {
      const double value = at(row, column);
      if (std::isnan(value)) return column;
      if (value > at(row, best)) best = column;
    }
    return best;
  }
  /// How many columns come before this one, largest value first, lower index first among equals.
  int64_t rank(int64_t row, int64_t column) const {
    const double value = at(row, column);
    int64_t before = 0;
    for (int64_t other = 0; other < columns_; ++other)
      before += !(at(row, other) < value) && (at(row, other) != value || other < column);
    return before;
  }

 private:
  const void* values_;
  DType dtype_;
  int64_t columns_;
};

// With more, the probabilities that curves are made of would outgrow the data, and nobody reads as many
// curves.
constexpr int64_t most_curves = 64;

/// How sure a network was of every class in every row.
class Confidences {
 public:
  Confidences(int64_t rows, int64_t classes)
      : rows_(static_cast<size_t>(rows)), curves_(classes <= most_curves ? classes : 0) {
    values_.resize(static_cast<size_t>(curves_) * rows_);
    truth_.resize(rows_);
    top_.resize(rows_);
    right_.resize(rows_);
    row_.resize(static_cast<size_t>(classes));
  }

  /// logit(class): what the network gave for a row.
  template <class Logit>
  void add(int64_t number, int64_t truth, int64_t predicted, const Logit& logit) {
    const auto row = static_cast<size_t>(number);
    const double largest = logit(predicted);
    double sum = 0;
    for (size_t c = 0; c < row_.size(); ++c)
      sum += row_[c] = std::exp(logit(static_cast<int64_t>(c)) - largest);
    for (size_t c = 0; c < static_cast<size_t>(curves_); ++c) values_[c * rows_ + row] = row_[c] / sum;
    truth_[row] = truth;
    top_[row] = 1 / sum;
    right_[row] = truth == predicted;
  }

  std::vector<double> auc() const {
    std::vector<double> result;
    std::vector<uint8_t> positive(rows_);
    for (size_t c = 0; c < static_cast<size_t>(curves_); ++c) {
      for (size_t row = 0; row < rows_; ++row) positive[row] = truth_[row] == static_cast<int64_t>(c);
      result.push_back(roc_auc(std::span(values_).subspan(c * rows_, rows_), positive));
    }
    return result;
  }
  /// Without bins where an output was NaN.
  Calibration calibration() const {
    if (std::any_of(top_.begin(), top_.end(), [](double p) { return std::isnan(p); }))
      return {.bins = {}, .error = NAN};
    return calibrate(top_, right_);
  }

 private:
  size_t rows_;
  int64_t curves_;
  std::vector<double> values_;  // [class][row]
  std::vector<int64_t> truth_;
  std::vector<double> top_;  // of the predicted class
  std::vector<uint8_t> right_;
  std::vector<double> row_;
};

double mean_of_numbers(const std::vector<double>& values) {
  double sum = 0, count = 0;
  for (const double value : values)
    if (!std::isnan(value)) sum += value, count += 1;
  return count > 0 ? sum / count : NAN;
}

/// The number of the largest output of every row.
Tensor classes_of(const Tensor& predictions) {
  const int64_t rows = predictions.shape().rows();
  const Outputs outputs(predictions.bytes(), predictions.dtype(), predictions.shape().columns());
  Tensor classes(DType::i32, {rows});
  const auto numbers = classes.values<int32_t>();
  for (int64_t row = 0; row < rows; ++row)
    numbers[static_cast<size_t>(row)] = static_cast<int32_t>(outputs.argmax(row));
  return classes;
}

double read_scalar(Store& store, const char* name, DType dtype) {
  const void* value = store.data(name);
  return dtype == DType::f64 ? *static_cast<const double*>(value) : double{*static_cast<const float*>(value)};
}

}  // namespace

Evaluator::Evaluator(const Context& context, Sequential& network, const Loss& loss)
    : context_(context),
      network_(&network),
      // Without its settings: they are for training.
      loss_(std::holds_alternative<SoftmaxCrossEntropy>(loss) ? Loss(SoftmaxCrossEntropy{}) : loss),
      rows_(batch_rows) {}

void Evaluator::prepare(bool labels) { plan(Part::loss, labels); }

Plan& Evaluator::plan(Part part, bool labels) {
  std::optional<Plan>& plan = part == Part::forward ? forward_ : loss_plans_[labels];
  if (!plan) {
    LoweringOptions lowering;
    lowering.part = part;
    lowering.batch = batch_rows;
    lowering.dtype = network_->dtype();
    lowering.loss = loss_;
    lowering.labels = labels;
    plan = Plan::build(context_, network_->store(), network_->lower(lowering));
    preparation_.emplace(*network_);
  }
  return *plan;
}

/// Calls each(first row, rows, outputs) for every batch. Returns the mean loss over all rows.
template <class Each>
double Evaluator::for_each_batch(const Dataset& data, const Each& each) {
  const ProfileSpan evaluation(context_.profile(), ProfileSpan::Kind::phase, "evaluation", "rows", data.size());
  Plan& plan = this->plan(Part::loss, data.labels());
  const DType dtype = network_->dtype();
  void *const x = plan.data("x"), *const target = plan.data("target");
  const Outputs outputs(plan.data("y"), dtype, network_->output_shape().elements());
  double sum = 0;
  for (int64_t first = 0; first < data.size(); first += batch_rows) {
    const int64_t count = std::min(batch_rows, data.size() - first);
    const std::span<int64_t> rows(rows_.data(), static_cast<size_t>(count));
    std::iota(rows.begin(), rows.end(), first);
    {
      const ProfileSpan batch(context_.profile(), ProfileSpan::Kind::step, "batch", "rows", count);
      {
        const ProfileSpan gather(context_.profile(), ProfileSpan::Kind::step, "gather", "rows", count);
        gather_features(context_.executor(), data, rows, *preparation_, dtype, x);
        gather_targets(context_.executor(), data, rows, dtype, target);
      }
      plan.run(count);
    }
    sum += read_scalar(network_->store(), "loss", dtype) * static_cast<double>(count);
    each(first, count, outputs);
  }
  return sum / static_cast<double>(data.size());
}

Evaluator::Score Evaluator::score(const Dataset& data) {
  int64_t correct = 0;
  const double loss = for_each_batch(data, [&](int64_t first, int64_t count, const Outputs& outputs) {
    if (data.classes() == 0) return;
    for (int64_t row = 0; row < count; ++row) correct += outputs.argmax(row) == data.label(first + row);
  });
  return {loss, data.classes() > 0 ? static_cast<double>(correct) / static_cast<double>(data.size()) : NAN};
}

Evaluation Evaluator::evaluate(const Dataset& data) {
  Evaluation result;
  result.rows = data.size();
  result.classification = data.classes() > 0;
  result.accuracy = result.macro_f1 = result.macro_auc = result.top5_accuracy = NAN;
  result.calibration.error = NAN;
  result.mae = result.rmse = result.r2 = NAN;
  result.interval = {NAN, NAN};
  if (result.classification)
    classify(data, result);
  else
    regress(data, result);
  return result;
}

void Evaluator::classify(const Dataset& data, Evaluation& result) {
  const int64_t classes = data.classes();
  result.class_names = data.class_names();
  result.confusion.assign(static_cast<size_t>(classes * classes), 0);
  Confidences confidences(data.size(), classes);
  int64_t correct = 0, among_five = 0;
  result.loss = for_each_batch(data, [&](int64_t first, int64_t count, const Outputs& outputs) {
    for (int64_t row = 0; row < count; ++row) {
      const int64_t truth = data.label(first + row), predicted = outputs.argmax(row);
      ++result.confusion[static_cast<size_t>(truth * classes + predicted)];
      correct += truth == predicted;
      among_five += outputs.rank(row, truth) < 5;
      confidences.add(first + row, truth, predicted, [&](int64_t c) { return outputs.at(row, c); });
    }
  });
  const auto rows = static_cast<double>(data.size());
  result.accuracy = static_cast<double>(correct) / rows;
  result.interval = wilson_interval(correct, data.size());
  result.top5_accuracy = static_cast<double>(among_five) / rows;
  result.scores = class_scores(result.confusion);
  result.macro_f1 = 0;
  for (const ClassScore& score : result.scores) result.macro_f1 += score.f1 / static_cast<double>(classes);
  result.auc = confidences.auc();
  result.macro_auc = mean_of_numbers(result.auc);
  result.calibration = confidences.calibration();
}

void Evaluator::regress(const Dataset& data, Evaluation& result) {
  const int64_t columns = data.target_shape().elements();
  std::vector<double> target(static_cast<size_t>(columns)), mean(static_cast<size_t>(columns), 0.0);
  for (int64_t row = 0; row < data.size(); ++row) {
    data.read_target(row, target.data());
    for (size_t c = 0; c < target.size(); ++c) mean[c] += target[c] / static_cast<double>(data.size());
  }
  double absolute = 0, squares = 0, total = 0;
  result.loss = for_each_batch(data, [&](int64_t first, int64_t count, const Outputs& outputs) {
    for (int64_t row = 0; row < count; ++row) {
      data.read_target(first + row, target.data());
      for (size_t c = 0; c < target.size(); ++c) {
        const double error = outputs.at(row, static_cast<int64_t>(c)) - target[c],
                     spread = target[c] - mean[c];
        absolute += std::abs(error);
        squares += error * error;
        total += spread * spread;
      }
    }
  });
  const double values = static_cast<double>(data.size() * columns);
  result.mae = absolute / values;
  result.rmse = std::sqrt(squares / values);
  if (total > 0) result.r2 = 1 - squares / total;
}

/// Output of the network for `rows` rows; gather(first, count, dtype, x) writes a batch of them.
template <class Gather>
Tensor Evaluator::forward(int64_t rows, const Gather& gather) {
  Plan& plan = this->plan(Part::forward, false);
  const DType dtype = network_->dtype();
  void* const x = plan.data("x");
  const Shape row = network_->output_shape();
  const int64_t columns = row.elements();
  const ProfileSpan prediction(context_.profile(), ProfileSpan::Kind::step, "prediction", "rows", rows);
  Tensor result(dtype, row.batched(rows));
  for (int64_t first = 0; first < rows; first += batch_rows) {
    const int64_t count = std::min(batch_rows, rows - first);
    {
      const ProfileSpan gathering(context_.profile(), ProfileSpan::Kind::step, "gather", "rows", count);
      gather(first, count, dtype, x);
    }
    plan.run(count);
    const auto* y = static_cast<const std::byte*>(plan.data("y"));
    const size_t row_bytes = static_cast<size_t>(columns) * size_of(dtype);
    std::copy_n(y, static_cast<size_t>(count) * row_bytes,
                result.bytes() + static_cast<size_t>(first) * row_bytes);
  }
  return dtype == DType::f32 ? std::move(result) : result.converted(DType::f32);
}

Tensor Evaluator::predict(const Dataset& data) {
  return forward(data.size(), [&](int64_t first, int64_t count, DType dtype, void* x) {
    const std::span<int64_t> rows(rows_.data(), static_cast<size_t>(count));
    std::iota(rows.begin(), rows.end(), first);
    gather_features(context_.executor(), data, rows, *preparation_, dtype, x);
  });
}

Tensor Evaluator::predict(const Tensor& rows) {
  return forward(rows.shape().rows(), [&](int64_t first, int64_t count, DType dtype, void* x) {
    gather_rows(context_.executor(), rows, first, count, *preparation_, dtype, x);
  });
}

Tensor Evaluator::predict_classes(const Dataset& data) { return classes_of(predict(data)); }
Tensor Evaluator::predict_classes(const Tensor& rows) { return classes_of(predict(rows)); }

}  // namespace plexus

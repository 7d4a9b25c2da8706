#include "plexus/trainer/probe.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "plexus/core/profile.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/dropout.h"
#include "plexus/trainer/suspicion.h"

namespace plexus {
namespace {

// Enough that a unit which is 0 in all of them is dead (one that answers to a row in fifty is 0 in all with a
// chance of 0.6 %).
constexpr int64_t most_rows = 256;
// Within this share of its limits a sigmoid passes less than 1 % of the gradient, a tanh less than 2 %.
constexpr double near = 0.01;

/// The same program, with these temporaries readable after a run.
Program with_outputs(const Program& program, const std::vector<std::string>& names) {
  Program result;
  result.row_counts = program.row_counts;
  for (Buffer buffer : program.buffers()) {
    if (buffer.role == Role::temporary && std::find(names.begin(), names.end(), buffer.name) != names.end())
      buffer.role = Role::output;
    result.add_buffer(std::move(buffer));
  }
  for (const Operation& operation : program.operations())
    result.add(operation.label, operation.spec, operation.buffers);
  return result;
}

double root_mean_square(const Tensor& tensor) {
  const Tensor wide = tensor.converted(DType::f64);
  double squares = 0;
  for (const double value : wide.values<double>()) squares += value * value;
  return std::sqrt(squares / static_cast<double>(std::max<int64_t>(1, tensor.elements())));
}

double distance(const Tensor& a, const Tensor& b) {
  const Tensor x = a.converted(DType::f64), y = b.converted(DType::f64);
  double squares = 0;
  for (size_t i = 0; i < x.values<double>().size(); ++i)
    squares += std::pow(x.values<double>()[i] - y.values<double>()[i], 2);
  return std::sqrt(squares / static_cast<double>(std::max<int64_t>(1, a.elements())));
}

double entropy(double p) { return p > 0 ? -p * std::log(p) : 0; }

/// The loss of the best constant answer to the rows' targets.
double chance_of(const Loss& loss, const Dataset& data, const std::vector<int64_t>& rows) {
  const auto n = static_cast<double>(rows.size());
  if (data.labels()) {
    std::vector<double> shares(static_cast<size_t>(data.classes()));
    for (const int64_t row : rows) shares[static_cast<size_t>(data.label(row))] += 1 / n;
    double sum = 0;
    for (const double share : shares) sum += entropy(share);
    return sum;
  }
  const auto columns = static_cast<size_t>(data.target_shape().elements());
  std::vector<double> targets(rows.size() * columns), mean(columns);
  for (size_t i = 0; i < rows.size(); ++i) {
    data.read_target(rows[i], &targets[i * columns]);
    for (size_t c = 0; c < columns; ++c) mean[c] += targets[i * columns + c] / n;
  }
  double sum = 0;
  if (std::holds_alternative<SoftmaxCrossEntropy>(loss)) {
    for (const double share : mean) sum += entropy(share);
    return sum;
  }
  if (std::holds_alternative<BinaryCrossEntropy>(loss)) {
    for (const double share : mean) sum += entropy(share) + entropy(1 - share);
    return sum / static_cast<double>(columns);
  }
  for (size_t i = 0; i < targets.size(); ++i) {
    const double error = std::abs(targets[i] - mean[i % columns]);
    if (const auto* huber = std::get_if<Huber>(&loss))
      sum += error <= huber->delta ? error * error / 2 : huber->delta * (error - huber->delta / 2);
    else
      sum += std::holds_alternative<Mae>(loss) ? error : error * error;
  }
  return sum / static_cast<double>(targets.size());
}

}  // namespace

Probe::Probe(const Context& context, const Sequential& network, const Loss& loss, const Dataset& data)
    : rows_(spread_rows(data.size(), most_rows)) {
  std::vector<size_t> kept;
  for (size_t i = 0; i < network.size(); ++i)
    if (!dynamic_cast<const Dropout*>(&network[i])) {
      copy_.add(network[i].clone());
      kept.push_back(i);
    }
  copy_.build(network.input_shape(), 0, network.dtype());
  for (size_t i = 0; i < kept.size(); ++i) {
    const std::string from = network.prefix(kept[i]) + ".", to = copy_.prefix(i) + ".";
    for (const auto& [name, entry] : copy_.store().entries())
      if (name.starts_with(to)) names_.push_back({from + name.substr(to.size()), name});
    const std::string place = "layer " + network.prefix(kept[i]) + " " + network[kept[i]].name();
    if (dynamic_cast<const Dense*>(&copy_[i]) && !copy_[i].frozen) {
      weight_names_.push_back(to + "weight");
      weights_.push_back({.place = place});
    }
    const auto* activation = dynamic_cast<const ActivationLayer*>(&copy_[i]);
    if (activation && i + 1 < kept.size()) {
      unit_names_.push_back(to + "y");
      units_.push_back({.place = place, .kind = activation->kind()});
    }
  }
  LoweringOptions lowering;
  lowering.part = Part::backward;
  lowering.batch = rows();
  lowering.dtype = network.dtype();
  lowering.loss = std::holds_alternative<SoftmaxCrossEntropy>(loss) ? Loss(SoftmaxCrossEntropy{}) : loss;
  lowering.labels = data.labels();
  std::vector<std::string> readable = unit_names_;
  readable.push_back(answer_name_ = copy_.prefix(copy_.size() - 1) + ".y");
  plan_ = std::make_unique<Plan>(
      Plan::build(context, copy_.store(), with_outputs(copy_.lower(lowering), readable)));
  copy(network);
  const RowPreparation preparation(copy_);
  gather_features(context.executor(), data, rows_, preparation, network.dtype(), plan_->data("x"));
  gather_targets(context.executor(), data, rows_, network.dtype(), plan_->data("target"));
  for (const std::string& name : weight_names_) first_.push_back(copy_.store().get(name));
  for (size_t i = 0; i < weights_.size(); ++i) weights_[i].first = root_mean_square(first_[i]);
  chance_ = chance_of(loss, data, rows_);
  if (data.classes() > 1) {
    std::vector<double> shares(static_cast<size_t>(data.classes()));
    for (const int64_t row : rows_)
      shares[static_cast<size_t>(data.label(row))] += 1.0 / static_cast<double>(rows());
    largest_class_ = *std::max_element(shares.begin(), shares.end());
  }
}

void Probe::copy(const Sequential& network) {
  for (const auto& [of_network, of_copy] : names_)
    copy_.store().set(of_copy, network.store().get(of_network));
}

void Probe::look(const Sequential& network) {
  const ProfileSpan span(plan_->context().profile(), ProfileSpan::Kind::step, "diagnosis", "rows", rows());
  copy(network);
  plan_->run(rows());
  for (size_t i = 0; i < weights_.size(); ++i) {
    const Tensor now = copy_.store().get(weight_names_[i]);
    weights_[i].size = root_mean_square(now);
    weights_[i].moved = distance(now, first_[i]);
    weights_[i].gradient = root_mean_square(copy_.store().get(weight_names_[i] + ".gradient"));
  }
  network.dtype() == DType::f64 ? read<double>() : read<float>();
}

template <class T>
void Probe::read() {
  loss_ = copy_.store().scalar<T>("loss");
  const auto count = rows_.size();
  for (size_t i = 0; i < units_.size(); ++i) {
    const Activation kind = units_[i].kind;
    const Program& program = plan_->program();
    const auto units = static_cast<size_t>(program[program.find(unit_names_[i])].shape.row().elements());
    const T* const y = plan_->data<T>(unit_names_[i]);
    size_t dead = 0, saturated = 0;
    for (size_t unit = 0; unit < units; ++unit) {
      bool alive = false;
      for (size_t row = 0; row < count; ++row) {
        const double value = y[row * units + unit];
        alive |= value != 0;
        const double inside =
            kind == Activation::tanh ? (1 - std::abs(value)) / 2 : std::min(value, 1 - value);
        saturated += inside < near;
      }
      dead += !alive;
    }
    units_[i].count = static_cast<int64_t>(units);
    units_[i].dead = kind == Activation::relu ? static_cast<double>(dead) / static_cast<double>(units) : 0;
    units_[i].saturated = kind == Activation::tanh || kind == Activation::sigmoid
                              ? static_cast<double>(saturated) / static_cast<double>(units * count)
                              : 0;
  }
  if (largest_class_ == 0) return;
  const auto columns = static_cast<size_t>(copy_.output_shape().elements());
  const T* const y = plan_->data<T>(answer_name_);
  std::vector<double> answers(columns);
  for (size_t row = 0; row < count; ++row)
    answers[static_cast<size_t>(std::max_element(y + row * columns, y + (row + 1) * columns) -
                                (y + row * columns))] += 1.0 / static_cast<double>(count);
  largest_answer_ = *std::max_element(answers.begin(), answers.end());
}

}  // namespace plexus

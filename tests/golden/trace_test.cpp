// Whole training steps against PyTorch: the weights of two networks after 1, 10 and 100 steps, on every
// usable backend. traces.txt is made by make_traces.py, in float64; the generator below and the table of
// networks are the same there.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "plexus/plexus.h"

namespace plexus {
namespace {

constexpr size_t stride = 97;  // of the values that the file holds

/// A linear congruential generator with Knuth's MMIX constants; its upper 24 bits.
class Generator {
 public:
  uint32_t bits() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return uint32_t(state_ >> 40);
  }
  std::vector<double> values(int64_t count, double low, double high) {
    std::vector<double> result(static_cast<size_t>(count));
    for (double& value : result) value = low + (high - low) * (bits() * 0x1p-24);
    return result;
  }

 private:
  uint64_t state_ = 1;
};

struct Network {
  std::string name;
  int64_t inputs, hidden, classes, rows, batches;
  double low, high, bound;  // range of the inputs, bound of the first weights
};
const Network networks[] = {{"784-128-10", 784, 128, 10, 32, 4, 0, 1, 0.0625},
                            {"30-64-2", 30, 64, 2, 13, 8, -2, 2, 0.25}};

Sequential make_layers(const Network& network) {
  if (network.name == "784-128-10") return Sequential(Dense(network.hidden), Relu(), Dense(network.classes));
  return Sequential(Dense(network.hidden), Tanh(), Dense(network.classes));
}

/// A line of the file: sum, sum of squares and every 97th value of a parameter after a step.
struct Record {
  std::string network, optimizer, parameter;
  int step = 0;
  std::vector<double> values;
};

std::vector<Record> read_traces() {
  std::ifstream file(PLEXUS_SOURCE_DIR "/tests/golden/traces.txt");
  std::vector<Record> records;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    Record record;
    words >> record.network >> record.optimizer >> record.step >> record.parameter;
    for (double value; words >> value;) record.values.push_back(value);
    records.push_back(std::move(record));
  }
  return records;
}

// PyTorch stores weights [out, in], the network's store [in, out].
std::vector<double> transposed(const std::vector<double>& matrix, int64_t rows, int64_t columns) {
  std::vector<double> result(matrix.size());
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) result[size_t(j * rows + i)] = matrix[size_t(i * columns + j)];
  return result;
}

void set_parameter(Sequential& net, const std::string& name, std::vector<double> plain) {
  const Shape shape = net.store().entry(name).shape;
  if (name.ends_with("weight")) plain = transposed(plain, shape.columns(), shape.rows());
  net.store().set(name, Tensor::from(std::span<const double>(plain), shape).converted(net.dtype()));
}

std::vector<double> get_parameter(const Sequential& net, const std::string& name) {
  const Tensor tensor = net.store().get(name).converted(DType::f64);
  const std::vector<double> plain(tensor.values<double>().begin(), tensor.values<double>().end());
  return name.ends_with("weight") ? transposed(plain, tensor.shape().rows(), tensor.shape().columns())
                                  : plain;
}

/// |ours - theirs| relative to theirs, but at least to a hundredth of the parameter's root mean square: a
/// weight that passes through zero has no relative error of its own.
double worst_difference(const std::vector<double>& ours, const Record& theirs) {
  double sum = 0, squares = 0, magnitudes = 0;
  for (double value : ours) sum += value, squares += value * value, magnitudes += std::abs(value);
  const double rms = std::sqrt(theirs.values[1] / double(ours.size()));
  double worst = std::max(std::abs(sum - theirs.values[0]) / magnitudes,
                          std::abs(squares - theirs.values[1]) / theirs.values[1]);
  for (size_t i = 2; i < theirs.values.size(); ++i) {
    const double value = theirs.values[i];
    worst = std::max(worst, std::abs(ours[(i - 2) * stride] - value) / std::max(std::abs(value), 0.01 * rms));
  }
  return worst;
}

/// An optimizer of the file: its settings, and the learning rate, which f32 holds exactly.
struct Settings {
  Optimizer optimizer;
  double learning_rate;
};
Settings settings_of(const std::string& name) {
  if (name == "sgd") return {Sgd{.momentum = 0.9}, 0x1p-6};
  if (name == "nesterov") return {Sgd{.momentum = 0.9, .nesterov = true, .weight_decay = 0x1p-7}, 0x1p-6};
  if (name == "adamw") return {AdamW{.weight_decay = 0x1p-6}, 0x1p-10};
  if (name == "rmsprop") return {RmsProp{.momentum = 0.5}, 0x1p-10};
  if (name == "adagrad") return {Adagrad{}, 0x1p-6};
  if (name == "adamax") return {Adamax{}, 0x1p-9};
  if (name == "nadam") return {NAdam{}, 0x1p-9};
  if (name == "radam") return {RAdam{}, 0x1p-10};
  if (name == "adadelta") return {Adadelta{}, 1};
  return {Adam{}, 0x1p-10};
}

/// Runs 100 steps and compares with every record on the way.
void check_trace(const Context& context, const Network& network, const std::string& optimizer, DType dtype,
                 double tolerance) {
  Generator generator;
  Sequential net = make_layers(network);
  net.build({network.inputs}, 0, dtype);
  const std::tuple<const char*, int64_t> parameters[] = {{"0.weight", network.inputs * network.hidden},
                                                         {"0.bias", network.hidden},
                                                         {"2.weight", network.hidden * network.classes},
                                                         {"2.bias", network.classes}};
  for (const auto& [name, count] : parameters)
    set_parameter(net, name, generator.values(count, -network.bound, network.bound));
  std::vector<std::vector<double>> inputs;
  std::vector<std::vector<int32_t>> labels;
  for (int64_t batch = 0; batch < network.batches; ++batch) {
    inputs.push_back(generator.values(network.rows * network.inputs, network.low, network.high));
    for (auto& label : labels.emplace_back(network.rows)) label = int32_t(generator.bits() % network.classes);
  }

  LoweringOptions options;
  options.part = Part::step;
  options.batch = network.rows;
  options.dtype = dtype;
  const Settings settings = settings_of(optimizer);
  options.update = make_spec(settings.optimizer);
  Plan plan = Plan::build(context, net.store(), net.lower(options));
  auto set_scalar = [&](const char* name, double value) {
    net.store().set(name, Tensor::from({value}, net.store().entry(name).shape).converted(dtype));
  };
  set_scalar("learning_rate", settings.learning_rate);

  const std::vector<Record> records = read_traces();
  int compared = 0;
  for (int step = 1; step <= 100; ++step) {
    const size_t batch = size_t(step - 1) % inputs.size();
    if (net.store().contains("step")) net.store().scalar<int64_t>("step") = step;
    if (dtype == DType::f32)
      std::copy(inputs[batch].begin(), inputs[batch].end(), plan.data<float>("x"));
    else
      std::copy(inputs[batch].begin(), inputs[batch].end(), plan.data<double>("x"));
    std::copy(labels[batch].begin(), labels[batch].end(), plan.data<int32_t>("target"));
    plan.run(network.rows);
    for (const Record& record : records) {
      if (record.network != network.name || record.optimizer != optimizer || record.step != step) continue;
      ++compared;
      const std::string where = optimizer + " step " + std::to_string(step) + " " + record.parameter;
      if (record.parameter == "loss") {
        const Tensor loss = net.store().get("loss").converted(DType::f64);
        EXPECT_NEAR(loss.values<double>()[0], record.values[0], tolerance * record.values[0]) << where;
      } else {
        EXPECT_LE(worst_difference(get_parameter(net, record.parameter), record), tolerance) << where;
      }
    }
  }
  EXPECT_EQ(compared, 3 * 5) << "traces.txt lacks lines of " << network.name << " " << optimizer;
}

/// What the file's techniques stand for, and the weights of a batch's rows.
struct Technique {
  TrainerOptions options;
  bool sample_weights = false;
};
Technique technique_of(const std::string& name) {
  Technique t{.options = {.optimizer = Sgd{.learning_rate = 0x1p-6f, .momentum = 0.9}}};
  const bool all = name == "everything";
  SoftmaxCrossEntropy loss;
  if (all) t.options.optimizer = AdamW{.learning_rate = 0x1p-10f, .weight_decay = 0x1p-6};
  if (all || name == "l1") t.options.l1 = 0x1p-7;
  if (all || name == "l2") t.options.l2 = 0x1p-6;
  if (name == "clip_value") t.options.clip_value = 0x1p-6;
  if (all) t.options.clip_value = 0x1p-5;
  if (all || name == "max_norm") t.options.max_norm = 0.875;
  if (all || name == "label_smoothing") loss.label_smoothing = 0.125;
  if (all || name == "class_weights") loss.class_weights = {0.5f, 2};
  t.sample_weights = all || name == "sample_weights";
  t.options.loss = loss;
  return t;
}

/// The same by Trainer::fit: a call a step, so that nothing but the public API is between.
void check_technique(const Context& context, const std::string& name, DType dtype, double tolerance) {
  const Network& network = networks[1];
  Generator generator;
  Sequential net = make_layers(network);
  net.build({network.inputs}, 0, dtype);
  for (const auto& [parameter, count] : {std::pair("0.weight", network.inputs * network.hidden),
                                         {"0.bias", network.hidden},
                                         {"2.weight", network.hidden * network.classes},
                                         {"2.bias", network.classes}})
    set_parameter(net, parameter, generator.values(count, -network.bound, network.bound));
  const Technique technique = technique_of(name);
  std::vector<Dataset> batches;
  for (int64_t batch = 0; batch < network.batches; ++batch) {
    const std::vector<double> x = generator.values(network.rows * network.inputs, network.low, network.high);
    Tensor labels(DType::i32, {network.rows});
    for (int32_t& label : labels.values<int32_t>()) label = int32_t(generator.bits() % network.classes);
    Dataset data = Dataset::classification(
        Tensor::from(std::span<const double>(x), {network.rows, network.inputs}).converted(DType::f32),
        std::move(labels), {"a", "b"});
    std::vector<float> weights;
    for (int64_t row = 0; row < network.rows; ++row) weights.push_back(float(row % 5 + 1) / 4);
    batches.push_back(technique.sample_weights ? data.with_sample_weights(weights) : data);
  }

  Trainer trainer(net, technique.options, context);
  const std::vector<Record> records = read_traces();
  int compared = 0;
  for (int step = 1; step <= 100; ++step) {
    const History history = trainer.fit(batches[size_t(step - 1) % batches.size()],
                                        {.batch_size = network.rows, .shuffle = false});
    for (const Record& record : records) {
      if (record.optimizer != name || record.step != step) continue;
      ++compared;
      const std::string where = name + " step " + std::to_string(step) + " " + record.parameter;
      if (record.parameter == "loss")
        EXPECT_NEAR(history.epochs[0].train_loss, record.values[0], tolerance * record.values[0]) << where;
      else
        EXPECT_LE(worst_difference(get_parameter(net, record.parameter), record), tolerance) << where;
    }
  }
  EXPECT_EQ(compared, 3 * 5) << "traces.txt lacks lines of " << name;
}

class Trace : public testing::TestWithParam<std::tuple<std::string, Network, const char*>> {
 protected:
  Context context() const {
    return make_context({.backend = std::get<0>(GetParam()), .threads = 2, .sink = {}});
  }
  const Network& network() const { return std::get<1>(GetParam()); }
  const char* optimizer() const { return std::get<2>(GetParam()); }
};

TEST_P(Trace, FloatAgreesWithPyTorch) { check_trace(context(), network(), optimizer(), DType::f32, 1e-4); }

// In double only the order of sums differs. The bound is what 100 steps make of 2^-53: far below any mistake.
TEST_P(Trace, DoubleAgreesWithPyTorch) { check_trace(context(), network(), optimizer(), DType::f64, 1e-9); }

std::vector<std::string> usable_backends() {
  std::vector<std::string> names;
  for (const BackendRow& row : backends())
    if (row.usable) names.push_back(row.name);
  return names;
}

std::string name_of(const testing::TestParamInfo<Trace::ParamType>& info) {
  std::string name =
      std::get<0>(info.param) + "_" + std::get<1>(info.param).name + "_" + std::get<2>(info.param);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '-' || c == '.'; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Backends, Trace,
                         testing::Combine(testing::ValuesIn(usable_backends()), testing::ValuesIn(networks),
                                          testing::Values("sgd", "adam")),
                         name_of);
INSTANTIATE_TEST_SUITE_P(MoreOptimizers, Trace,
                         testing::Combine(testing::ValuesIn(usable_backends()), testing::Values(networks[1]),
                                          testing::Values("nesterov", "adamw", "rmsprop", "adagrad", "adamax",
                                                          "nadam", "radam", "adadelta")),
                         name_of);

class TechniqueTrace : public testing::TestWithParam<std::tuple<std::string, const char*>> {
 protected:
  Context context() const {
    return make_context({.backend = std::get<0>(GetParam()), .threads = 2, .sink = {}});
  }
  std::string name() const { return std::get<1>(GetParam()); }
};

TEST_P(TechniqueTrace, FloatAgreesWithPyTorch) { check_technique(context(), name(), DType::f32, 1e-4); }
TEST_P(TechniqueTrace, DoubleAgreesWithPyTorch) { check_technique(context(), name(), DType::f64, 1e-9); }

INSTANTIATE_TEST_SUITE_P(
    Backends, TechniqueTrace,
    testing::Combine(testing::ValuesIn(usable_backends()),
                     testing::Values("l1", "l2", "clip_value", "max_norm", "label_smoothing", "class_weights",
                                     "sample_weights", "everything")),
    [](const auto& info) { return std::get<0>(info.param) + "_" + std::get<1>(info.param); });

TEST(Traces, RunOnAtLeastOneBackend) { EXPECT_FALSE(usable_backends().empty()); }

}  // namespace
}  // namespace plexus

#include "plexus/bench/network.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "plexus/core/error.h"
#include "plexus/core/random.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/trainer/trainer.h"

namespace plexus::bench {

Sequential make_network(const conformance::Network& network) {
  Sequential result;
  for (size_t i = 1; i < network.widths.size(); i++) {
    if (i > 1) result.add(std::make_unique<Relu>());
    result.add(std::make_unique<Dense>(network.widths[i]));
  }
  result.build({network.widths.front()}, 1);
  return result;
}

Tensor random_rows(const conformance::Network& network, int64_t rows) {
  Tensor values(DType::f32, {rows, network.widths.front()});
  fill_uniform(values, 0);
  return values;
}

Dataset random_dataset(const conformance::Network& network, int64_t rows) {
  const auto classes = uint64_t(network.widths.back());
  Tensor labels(DType::i32, {rows});
  const RandomStream random(1, Purpose::user, 1);
  for (int64_t i = 0; i < rows; i++)
    labels.values<int32_t>()[size_t(i)] = int32_t(random.below(classes, uint64_t(i)));
  std::vector<std::string> names;
  for (uint64_t i = 0; i < classes; i++) names.push_back(std::to_string(i));
  return Dataset::classification(random_rows(network, rows), std::move(labels), std::move(names));
}

int64_t rows_to_verify(const Program& program) {
  const double one_row = network_cost(program).flop / double(program.batch());
  return std::clamp<int64_t>(int64_t(0x1p31 / one_row), 1, program.batch());
}

void verify_outputs(const Sequential& network, const Tensor& inputs, const float* outputs, int64_t rows) {
  Tensor first(DType::f32, inputs.shape().with_rows(rows));
  std::memcpy(first.bytes(), inputs.bytes(), first.byte_count());
  // A copy: a network's parameters lie as the backends that have plans over them agree.
  Sequential copy = network.clone();
  const Tensor expected = Trainer(copy, {.backend = "reference"}).predict(first);
  const auto values = expected.values<float>();
  float largest = 0;
  for (const float value : values) largest = std::max(largest, std::fabs(value));
  size_t worst = 0;
  double error = 0;
  for (size_t i = 0; i < values.size(); i++) {
    const double difference = std::fabs(double(outputs[i]) - double(values[i]));
    if (difference <= error) continue;
    worst = i, error = difference;
    if (std::isnan(difference)) break;
  }
  if (error <= network_tolerance * double(largest)) return;
  const auto columns = size_t(expected.shape().columns());
  throw Error("wrong: output[" + std::to_string(worst / columns) + "," + std::to_string(worst % columns) +
              "] is " + std::to_string(outputs[worst]) + ", the reference has " + std::to_string(values[worst]));
}

std::string backends_of(const Plan& plan) {
  std::map<std::string, int> counts;
  for (const Plan::Row& row : plan.rows()) counts[row.backend]++;
  std::string text;
  for (const auto& [name, count] : counts)
    text += (text.empty() ? "" : ", ") + name + " " + std::to_string(count);
  return text;
}

}  // namespace plexus::bench

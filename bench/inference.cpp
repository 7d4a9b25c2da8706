// Inference: a Predictor, which reads rows where they lie and writes outputs where they are wanted, and Trainer::predict, which
// makes a tensor of the result.
#include <vector>

#include "plexus/bench/network.h"
#include "plexus/trainer/predictor.h"
#include "plexus/trainer/trainer.h"

namespace plexus::bench {
namespace {

Program forward(const Sequential& network, int64_t batch) {
  return network.lower({.part = Part::forward, .batch = batch});
}

struct Inference {
  Sequential network;
  Tensor rows;
  Predictor predictor;
  std::vector<float> outputs;

  Inference(const Context& context, const conformance::Network& shape, int64_t batch)
      : network(make_network(shape)),
        rows(random_rows(shape, batch)),
        predictor(network, {.batch_size = batch}, context),
        outputs(size_t(batch * predictor.output_columns())) {}

  void run() { predictor.predict(rows.values<float>().data(), rows.shape().rows(), outputs.data()); }
};

struct Prediction {
  Sequential network;
  Tensor rows;
  Trainer trainer;

  Prediction(const Context& context, const conformance::Network& shape, int64_t batch)
      : network(make_network(shape)), rows(random_rows(shape, batch)), trainer(network, {}, context) {}
};

Suite::Measurement prepare_inference(Suite& suite, const conformance::Network& shape, int64_t batch) {
  const auto inference = std::make_shared<Inference>(suite.context(), shape, batch);
  inference->run();
  const Plan plan = Plan::build(suite.context(), inference->network.store(), forward(inference->network, batch));
  verify_outputs(inference->network, inference->rows, inference->outputs.data(), rows_to_verify(plan.program()));
  return [&suite, inference, cost = network_cost(plan.program()),
          label = backends_of(plan)](benchmark::State& state) {
    for (auto _ : state) inference->run();
    suite.report(state, cost, label);
  };
}

Suite::Measurement prepare_prediction(Suite& suite, const conformance::Network& shape, int64_t batch) {
  const auto prediction = std::make_shared<Prediction>(suite.context(), shape, batch);
  const Program program = forward(prediction->network, batch);
  const Tensor outputs = prediction->trainer.predict(prediction->rows);
  verify_outputs(prediction->network, prediction->rows, outputs.values<float>().data(),
                 rows_to_verify(program));
  return [&suite, prediction, cost = network_cost(program)](benchmark::State& state) {
    for (auto _ : state) benchmark::DoNotOptimize(prediction->trainer.predict(prediction->rows));
    suite.report(state, cost, "Trainer::predict");
  };
}

}  // namespace

void add_inference(Suite& suite) {
  for (const conformance::Network& network : conformance::networks()) {
    if (suite.quick() && network.name != "784-128-10" && network.name != "13-64-3") continue;
    for (const int64_t batch : conformance::batch_sizes()) {
      if (suite.quick() && batch != 1 && batch != 32) continue;
      const std::string name = "inference/" + network.name + "/b" + std::to_string(batch);
      suite.add(name, [&suite, network, batch] { return prepare_inference(suite, network, batch); });
      suite.add(name + "/predict",
                [&suite, network, batch] { return prepare_prediction(suite, network, batch); });
    }
  }
}

}  // namespace plexus::bench

// Training steps through Trainer::fit: gathering the rows of a batch, forward, loss, backward, update; and what an epoch adds.
#include "plexus/bench/network.h"
#include "plexus/core/error.h"
#include "plexus/trainer/trainer.h"

namespace plexus::bench {
namespace {

// Of the data: some batches of every size, and with 1024 columns still only 16 MB.
constexpr int64_t data_rows = 4096;

/// Ends training when the benchmark has seen enough steps. The first is not timed.
class StepCounter final : public Callback {
 public:
  explicit StepCounter(benchmark::State& state) : state_(state) {}
  bool on_step(const Progress&) override { return !state_.KeepRunning(); }

 private:
  benchmark::State& state_;
};

/// A network in training.
struct Training {
  Sequential network;
  Dataset data;
  int64_t batch;
  Trainer trainer;

  Training(const Context& context, const conformance::Network& shape, int64_t b, const Optimizer& optimizer)
      : network(make_network(shape)),
        data(random_dataset(shape, data_rows)),
        batch(b),
        trainer(network, {.optimizer = optimizer}, context) {}
};

/// The plan of a step, as the trainer makes it, with a batch in it.
Plan step_plan(Training& training, const Optimizer& optimizer) {
  Sequential& network = training.network;
  Plan plan = Plan::build(training.trainer.context(), network.store(),
                          network.lower({.part = Part::step,
                                         .batch = training.batch,
                                         .loss = SoftmaxCrossEntropy{},
                                         .update = make_spec(optimizer)}));
  Store& store = network.store();
  store.scalar<float>("learning_rate") = learning_rate(optimizer);
  if (store.contains("step")) store.scalar<int64_t>("step") = 1;
  const int64_t columns = training.data.feature_shape().elements();
  for (int64_t row = 0; row < training.batch; row++) {
    training.data.read_features(row, plan.data<float>("x") + row * columns);
    plan.data<int32_t>("target")[row] = training.data.label(row);
  }
  return plan;
}

Suite::Measurement prepare_training(Suite& suite, const conformance::Network& shape, int64_t batch,
                                    const Optimizer& optimizer) {
  const auto training = std::make_shared<Training>(suite.context(), shape, batch, optimizer);
  Plan plan = step_plan(*training, optimizer);
  if (&suite.backend() != &suite.context().reference()) {
    const Plan::Difference difference = plan.check(rows_to_verify(plan.program()));
    if (!(difference.relative <= network_tolerance)) throw Error("wrong: " + difference.where);
  }
  return [&suite, training, cost = network_cost(plan.program()),
          label = backends_of(plan)](benchmark::State& state) {
    StepCounter steps(state);
    training->trainer.fit(training->data, {.epochs = int64_t(1) << 40,
                                           .batch_size = training->batch,
                                           .callbacks = {&steps}});
    suite.report(state, cost, label);
  };
}

}  // namespace

void add_training(Suite& suite) {
  for (const conformance::Network& network : conformance::networks()) {
    if (suite.quick() && network.name != "784-128-10" && network.name != "13-64-3") continue;
    for (const int64_t batch : conformance::batch_sizes()) {
      if (suite.quick() && batch != 32) continue;
      for (const std::string name : {"sgd", "adam"}) {
        if (suite.quick() && name != "sgd") continue;
        suite.add("training/" + network.name + "/b" + std::to_string(batch) + "/" + name,
                  [&suite, network, batch, name] {
                    return prepare_training(suite, network, batch, make_optimizer(name));
                  });
      }
    }
  }
}

}  // namespace plexus::bench

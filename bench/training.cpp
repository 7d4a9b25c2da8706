// Training steps through Trainer::fit: gathering the rows of a batch, forward, loss, backward, update; and
// what an epoch adds.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "plexus/bench/network.h"
#include "plexus/core/error.h"
#include "plexus/io/npy.h"
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

/// The same rows, their features mapped from a .npy file. Nobody else can open it: the name is gone at once.
Dataset in_file(const Dataset& data) {
  const int64_t columns = data.feature_shape().elements();
  Tensor features(DType::f32, {data.size(), columns});
  for (int64_t row = 0; row < data.size(); row++)
    data.read_features(row, features.values<float>().data() + row * columns);
  std::string path = (std::filesystem::temp_directory_path() / "plexus-bench-XXXXXX").string();
  const int descriptor = mkstemp(path.data());
  if (descriptor < 0) throw IoError(path + ": cannot be made");
  close(descriptor);
  save_npy(path, features);
  Dataset mapped = Dataset::map_classification(path, data.targets(), data.class_names());
  unlink(path.c_str());
  return mapped;
}

/// A network in training.
struct Training {
  Sequential network;
  Dataset data;
  int64_t batch;
  Trainer trainer;

  Training(const Context& context, const conformance::Network& shape, int64_t b, const Optimizer& optimizer,
           bool mapped)
      : network(make_network(shape)),
        data(mapped ? in_file(random_dataset(shape, data_rows)) : random_dataset(shape, data_rows)),
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
                                    const Optimizer& optimizer, bool mapped) {
  const auto training = std::make_shared<Training>(suite.context(), shape, batch, optimizer, mapped);
  Plan plan = step_plan(*training, optimizer);
  if (&suite.backend() != &suite.context().reference()) {
    const Plan::Difference difference = plan.check(rows_to_verify(plan.program()));
    if (difference.wrong) throw Error("wrong: " + difference.where);
  }
  return [&suite, training, cost = network_cost(plan.program()),
          label = backends_of(plan)](benchmark::State& state) {
    StepCounter steps(state);
    training->trainer.fit(training->data,
                          {.epochs = int64_t(1) << 40, .batch_size = training->batch, .callbacks = {&steps}});
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
        const std::string title = "training/" + network.name + "/b" + std::to_string(batch) + "/" + name;
        const auto add = [&](const std::string& where, bool mapped) {
          suite.add(title + where, [&suite, network, batch, name, mapped] {
            // With momentum, as it is used. A rate of 0.01 diverges on rows one by one.
            const Optimizer sgd = Sgd{.learning_rate = 0.001f, .momentum = 0.9};
            return prepare_training(suite, network, batch, name == "sgd" ? sgd : Adam{}, mapped);
          });
        };
        add("", false);
        // Rows from a file that the system holds in memory: what mapping and reading ahead cost.
        if (network.name == "784-128-10") add("-mapped", true);
      }
    }
  }
}

}  // namespace plexus::bench

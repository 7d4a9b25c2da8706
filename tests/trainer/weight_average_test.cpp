// TrainerOptions::ema_decay.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "plexus/backends/registry.h"
#include "plexus/core/error.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/trainer/early_stopping.h"
#include "plexus/trainer/lambda_callback.h"
#include "plexus/trainer/trainer.h"
#include "trainer/example_data.h"
#include "core/message.h"

namespace plexus {
namespace {

constexpr double decay = 0.9;
const std::string weight = "0.weight";  // of 24 columns: padded where lines are of 16

Sequential averaged_network() { return Sequential(Dense(24), Relu(), Dense(3)); }
TrainerOptions averaged(const std::string& backend = "", int threads = 1) {
  return {
      .optimizer = Adam{.learning_rate = 0.02f}, .backend = backend, .threads = threads, .ema_decay = decay};
}
std::vector<double> doubles(const Tensor& tensor) {
  const Tensor wide = tensor.converted(DType::f64);
  return {wide.values<double>().begin(), wide.values<double>().end()};
}

/// The average in a plain loop, from the weights after every step.
struct Follower : Callback {
  void on_train_begin(Sequential& n, const Progress&) override {
    net = &n;
    if (average.empty()) average = doubles(n.store().get(weight));
  }
  bool on_step(const Progress&) override {
    const std::vector<double> now = trained = doubles(net->store().get(weight));
    for (size_t i = 0; i < now.size(); ++i) average[i] = decay * average[i] + (1 - decay) * now[i];
    return false;
  }
  bool on_epoch(const Epoch&) override {
    seen = doubles(net->store().get(weight));
    return false;
  }
  Sequential* net = nullptr;
  std::vector<double> average, trained, seen;
};

double difference(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = a.size() == b.size() ? 0 : INFINITY;
  for (size_t i = 0; i < a.size() && i < b.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

TEST(WeightAverage, IsThatOfAPlainLoop) {
  for (const std::string& backend : {std::string("reference"), default_backend(backends())})
    for (const int threads : {1, 2})
      for (const DType dtype : {DType::f32, DType::f64}) {
        Sequential net = averaged_network();
        net.build(Shape{5}, 3, dtype);
        TrainerOptions options = averaged(backend, threads);
        Trainer trainer(net, options,
                        make_context({.backend = backend, .threads = threads, .fallback = Fallback::allow}));
        Follower follower;
        const Dataset validation = blobs(30, 5, 3, 2);
        const History history =
            trainer.fit(blobs(70, 5, 3),
                        {.epochs = 3, .batch_size = 16, .validation = validation, .callbacks = {&follower}});
        // 15 steps; weights are below 1, and an update rounds twice: 15 * 2 * 2^-25, about 1e-6.
        const double bound = dtype == DType::f32 ? 1e-6 : 1e-14;
        const std::vector<double> ours = doubles(net.store().get(weight));
        EXPECT_LT(difference(ours, follower.average), bound) << backend << ' ' << threads;
        EXPECT_GT(difference(ours, follower.trained), 1e-3) << "too close to tell apart";
        EXPECT_EQ(follower.seen, ours) << "on_epoch sees what validation saw";
        EXPECT_EQ(doubles(net.store().get("ema." + weight)), follower.trained);
        EXPECT_EQ(history.epochs.back().validation_loss, trainer.evaluate(validation).loss);
      }
}

TEST(WeightAverage, SameBitsInPiecesAndWithAnyNumberOfThreads) {
  const Dataset data = blobs(70, 5, 3);
  Tensor expected;
  for (const int threads : {1, 2, 3}) {
    Sequential whole = averaged_network(), pieces = averaged_network();
    Trainer at_once(whole, averaged("", threads)), in_pieces(pieces, averaged("", threads));
    if (at_once.context().chosen().deviations().has(Semantics::thread_bits)) GTEST_SKIP();
    at_once.fit(data, {.epochs = 4, .batch_size = 16});
    for (const int64_t epochs : {1, 0, 2, 1}) in_pieces.fit(data, {.epochs = epochs, .batch_size = 16});
    if (threads == 1) expected = whole.store().get(weight);
    EXPECT_EQ(whole.store().get(weight), expected) << threads;
    EXPECT_EQ(pieces.store().get(weight), expected) << threads;
    EXPECT_EQ(pieces.store().get("ema." + weight), whole.store().get("ema." + weight)) << threads;
  }
}

TEST(WeightAverage, IsThereHoweverTrainingEnds) {
  Sequential net = averaged_network();
  Trainer trainer(net, averaged());
  Follower follower;
  LambdaCallback thrower({.on_step = [](const Progress& p) -> bool {
    return p.epoch == 2 && p.step == 3 ? throw std::runtime_error("end") : false;
  }});
  EXPECT_THROW(
      trainer.fit(blobs(70, 5, 3), {.epochs = 3, .batch_size = 16, .callbacks = {&follower, &thrower}}),
      std::runtime_error);
  EXPECT_LT(difference(doubles(net.store().get(weight)), follower.average), 1e-6);

  // Thrown while the averages are in use.
  LambdaCallback after({.on_epoch = [](const Epoch&) -> bool { throw std::runtime_error("end"); }});
  EXPECT_THROW(trainer.fit(blobs(70, 5, 3), {.batch_size = 16, .callbacks = {&follower, &after}}),
               std::runtime_error);
  EXPECT_LT(difference(doubles(net.store().get(weight)), follower.average), 1e-6);
}

TEST(WeightAverage, EarlyStoppingKeepsTheBestAverage) {
  Sequential net = averaged_network();
  Trainer trainer(net, averaged());
  EarlyStopping stopping({.monitor = Monitor::train_loss, .patience = 2, .min_delta = 1e9});
  Tensor first;
  LambdaCallback keeper({.on_epoch = [&](const Epoch& e) {
    if (e.epoch == 1) first = net.store().get(weight);
    return false;
  }});
  trainer.fit(blobs(70, 5, 3), {.epochs = 9, .batch_size = 16, .callbacks = {&keeper, &stopping}});
  EXPECT_EQ(net.store().get(weight), first);
}

// What is resumed within an epoch has averages, best weights and waiting as if nothing had been.
TEST(WeightAverage, ResumesExactly) {
  const Dataset data = blobs(70, 5, 3), validation = blobs(30, 5, 3, 2);
  const auto directory = std::filesystem::path(testing::TempDir()) / "plexus-average-resumed";
  std::filesystem::remove_all(directory);
  struct Result {
    Tensor weights, trained;
    std::string state;
    std::vector<double> rates;
  };
  const auto run = [&](bool checkpoints, int64_t stop_epoch, int threads) {
    Sequential net = averaged_network();
    TrainerOptions options = averaged("", threads);
    options.schedule = CosineDecay{};
    options.warmup_steps = 7;
    Trainer trainer(net, options);
    EarlyStopping stopping({.patience = 3, .min_delta = 1e9});  // no epoch is better than the first
    LambdaCallback stop({.on_step = [&](const Progress& p) { return p.epoch == stop_epoch && p.step == 3; }});
    FitOptions fit{.epochs = 6, .batch_size = 16, .validation = validation, .callbacks = {&stopping, &stop}};
    if (checkpoints)
      fit.checkpoints = {.directory = directory.string(), .resume = std::filesystem::exists(directory)};
    const History history = trainer.fit(data, fit);
    Result result{net.store().get(weight), net.store().get("ema." + weight), stopping.state(), {}};
    for (const Epoch& epoch : history.epochs) result.rates.push_back(epoch.learning_rate);
    return result;
  };
  const Result whole = run(false, 0, 1);
  run(true, 1, 1);
  run(true, 2, 2);
  run(true, 3, 3);
  const Result resumed = run(true, 0, 2);
  EXPECT_EQ(resumed.weights, whole.weights);
  EXPECT_EQ(resumed.trained, whole.trained);
  EXPECT_EQ(resumed.state, whole.state);
  EXPECT_EQ(resumed.rates, whole.rates);
  EXPECT_EQ(resumed.rates.size(), 4u) << "stopped early";
  std::filesystem::remove_all(directory);
}

TEST(WeightAverage, MistakesAreNamed) {
  Sequential net = averaged_network();
  EXPECT_EQ(message<ArgumentError>([&] { Trainer(net, {.ema_decay = 1}); }),
            "trainer: ema_decay 1.000000: choose 0 (off) or one below 1");
  EXPECT_THROW(Trainer(net, {.ema_decay = std::nan("")}), ArgumentError);
}

}  // namespace
}  // namespace plexus

#include "plexus/trainer/trainer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <set>

#include "plexus/core/error.h"
#include "plexus/core/huge_pages.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/dropout.h"
#include "plexus/layers/impute.h"
#include "plexus/layers/one_hot.h"
#include "plexus/layers/standardize.h"
#include "plexus/trainer/split.h"
#include "trainer/example_data.h"
#include "core/message.h"
#include "trainer/mlp.h"

namespace plexus {
namespace {

TrainerOptions with(const Optimizer& optimizer, int threads = 1) {
  return {.optimizer = optimizer, .threads = threads};
}

/// All parameters and optimizer state.
std::map<std::string, Tensor> values(const Sequential& network) {
  std::map<std::string, Tensor> result;
  for (const auto& [name, entry] : network.store().entries())
    if (entry.role != Role::scalar) result.emplace(name, network.store().get(name));
  return result;
}

Sequential small_network() { return Sequential(Standardize(), Dense(16), Relu(), Dropout(0.25), Dense(3)); }

TEST(Trainer, AgreesWithPlainLoopsInDouble) {
  const Dataset data = blobs(50, 4, 3);
  Sequential network(Dense(8), Relu(), Dense(3));
  network.build(data.feature_shape(), 11);
  Mlp mlp;
  mlp.add(network.store(), "0");
  mlp.add(network.store(), "2");

  Trainer trainer(network, with(Sgd{.learning_rate = 0.1f}));
  const History history = trainer.fit(data, {.epochs = 3, .batch_size = 16, .seed = 5});

  ASSERT_EQ(history.epochs.size(), 3u);
  for (int64_t epoch = 1; epoch <= 3; ++epoch) {
    const std::vector<int64_t> order = shuffled(50, 5, epoch);
    double sum = 0;
    for (size_t first = 0; first < 50; first += 16) {
      const size_t last = std::min<size_t>(50, first + 16);
      const std::vector<int64_t> rows(order.begin() + int64_t(first), order.begin() + int64_t(last));
      sum += mlp.train(data, rows, double(0.1f)) * double(rows.size());
    }
    EXPECT_EQ(history.epochs[size_t(epoch - 1)].epoch, epoch);
    EXPECT_NEAR(history.epochs[size_t(epoch - 1)].train_loss, sum / 50, 1e-6);
  }
  for (size_t l = 0; l < 2; ++l) {
    const std::string name = l == 0 ? "0" : "2";
    const Tensor weight = network.store().get(name + ".weight"), bias = network.store().get(name + ".bias");
    for (size_t i = 0; i < mlp.layers[l].weight.size(); ++i)
      ASSERT_NEAR(weight.values<float>()[i], mlp.layers[l].weight[i], 2e-6) << name << ' ' << i;
    for (size_t i = 0; i < mlp.layers[l].bias.size(); ++i)
      ASSERT_NEAR(bias.values<float>()[i], mlp.layers[l].bias[i], 2e-6) << name << ' ' << i;
  }

  const Tensor predictions = trainer.predict(data);
  ASSERT_EQ(predictions.shape(), (Shape{50, 3}));
  for (int64_t row = 0; row < 50; ++row) {
    std::vector<double> x(4);
    data.read_features(row, x.data());
    const std::vector<double> y = mlp.forward(x).back();
    for (size_t c = 0; c < 3; ++c)
      ASSERT_NEAR(predictions.values<float>()[size_t(row) * 3 + c], y[c], 1e-5) << row << ' ' << c;
  }
}

TEST(Trainer, SameBitsForAnyNumberOfThreads) {
  const Dataset data =
      blobs(301, 200, 3);  // rows long enough for gathering to be cut into pieces; a tail of 45
  std::map<std::string, Tensor> expected;
  std::vector<double> losses;
  for (const int threads : {1, 2, 3, 4}) {
    Sequential network = small_network();
    Trainer trainer(network, with(Adam{}, threads));
    if (trainer.context().chosen().deviations().has(Semantics::thread_bits))
      GTEST_SKIP() << trainer.context().chosen().name() << " declares that it does not promise it";
    const History history = trainer.fit(data, {.epochs = 2, .batch_size = 128});
    if (threads == 1) {
      expected = values(network);
      losses = {history.epochs[0].train_loss, history.epochs[1].train_loss};
      ASSERT_GT(expected.size(), 8u);
      continue;
    }
    EXPECT_EQ(values(network), expected) << threads << " threads";
    EXPECT_EQ(losses[0], history.epochs[0].train_loss);
    EXPECT_EQ(losses[1], history.epochs[1].train_loss);
  }
}

TEST(Trainer, SeedsDecide) {
  const Dataset data = blobs(60, 4, 3);
  const auto trained = [&](uint64_t seed, uint64_t shuffling) {
    Sequential network = small_network();
    TrainerOptions options = with(Sgd{});
    options.seed = seed;
    Trainer(network, options).fit(data, {.epochs = 2, .batch_size = 16, .seed = shuffling});
    return values(network);
  };
  EXPECT_EQ(trained(1, 1), trained(1, 1));
  EXPECT_NE(trained(1, 1), trained(2, 1));
  EXPECT_NE(trained(1, 1), trained(1, 2));
}

TEST(Trainer, SecondFitGoesOnWhereTheFirstStopped) {
  const Dataset data = blobs(61, 4, 3);
  const FitOptions part{.batch_size = 16, .validation_fraction = 0.2, .seed = 3};
  const auto epochs = [&](int64_t count) {
    FitOptions options = part;
    options.epochs = count;
    return options;
  };
  Sequential whole = small_network(), pieces = small_network();
  Trainer at_once(whole, with(Adam{})), in_pieces(pieces, with(Adam{}));
  const History history = at_once.fit(data, epochs(5));
  const History first = in_pieces.fit(data, epochs(2)), second = in_pieces.fit(data, epochs(3));
  EXPECT_EQ(values(whole), values(pieces));
  EXPECT_EQ(second.epochs.front().epoch, 3);
  EXPECT_EQ(second.epochs.back().epoch, 5);
  EXPECT_EQ(second.epochs.back().train_loss, history.epochs.back().train_loss);
  EXPECT_EQ(second.epochs.back().validation_loss, history.epochs.back().validation_loss);
  EXPECT_EQ(whole.store().get("step"), pieces.store().get("step"));
  EXPECT_EQ(whole.store().get("pass"), pieces.store().get("pass"));
}

TEST(Trainer, AnotherTrainerStartsAfresh) {
  const Dataset data = blobs(61, 4, 3), other = blobs(61, 4, 3, 9);
  Sequential network = small_network();
  Trainer(network, with(Adam{})).fit(data, {.epochs = 2});
  const Tensor scaler = network.store().get("input.mean");
  Trainer(network, with(Adam{})).fit(other, {.epochs = 1});
  EXPECT_EQ(network.store().get("input.mean"), scaler) << "the weights were trained behind this scaler";
  EXPECT_EQ(network.store().scalar<int64_t>("step"), 2);
}

TEST(Trainer, AccumulationIsTheLargerBatch) {
  const Dataset data = blobs(70, 4, 3);  // per epoch: a step of 32, one of 32, one of 6
  const auto trained = [&](int64_t batch, int64_t accumulate) {
    Sequential network(Dense(8), Relu(), Dense(3));
    TrainerOptions options = with(Sgd{.learning_rate = 0.1f, .momentum = 0.9});
    options.accumulate = accumulate;
    Trainer trainer(network, options);
    const History history = trainer.fit(data, {.epochs = 2, .batch_size = batch});
    EXPECT_EQ(network.store().scalar<int64_t>("step"), accumulate == 1 && batch == 8 ? 18 : 6);
    return std::pair(network.store().get("0.weight"), history.epochs[1].train_loss);
  };
  const auto [large, large_loss] = trained(32, 1);
  const auto [small, small_loss] = trained(8, 1);
  const auto [averaged, averaged_loss] = trained(8, 4);
  EXPECT_NEAR(averaged_loss, large_loss, 1e-6);
  EXPECT_GT(std::abs(small_loss - large_loss), 1e-3);
  double largest = 0, apart = 0;
  for (size_t i = 0; i < 32; ++i) {
    largest = std::max(largest, std::abs(double(large.values<float>()[i]) - averaged.values<float>()[i]));
    apart = std::max(apart, std::abs(double(large.values<float>()[i]) - small.values<float>()[i]));
  }
  EXPECT_LT(largest, 2e-6);
  EXPECT_GT(apart, 1e-2);
}

TEST(Trainer, FullBatchIsOneStepAnEpoch) {
  const Dataset data = blobs(33, 4, 3);
  const auto trained = [&](const FitOptions& fit) {
    Sequential network(Dense(3));
    Trainer(network, with(Sgd{})).fit(data, fit);
    return std::pair(values(network), network.store().scalar<int64_t>("step"));
  };
  const auto full = trained({.epochs = 4, .batch_size = 5, .full_batch = true});
  EXPECT_EQ(full.second, 4);
  EXPECT_EQ(full, trained({.epochs = 4, .batch_size = 1000}));
}

TEST(Trainer, ClippingLimitsTheStep) {
  Tensor features = Tensor::from<float>({100, -100, 80, 90}, {4, 1}),
         targets = Tensor::from<float>({1000, -1000, 800, 900}, {4, 1});
  const Dataset data = Dataset::regression(features, targets);
  Sequential network(Dense(1));
  network.build(Shape{1});
  const float before = network.store().get("0.weight").values<float>()[0];
  Trainer trainer(network, {.loss = Mse{},
                            .optimizer = Sgd{.learning_rate = 0.5f},
                            .threads = 1,
                            .clip_norm = 0.1});
  trainer.fit(data, {.full_batch = true});
  const double moved = double(network.store().get("0.weight").values<float>()[0]) - before;
  const double bias = network.store().get("0.bias").values<float>()[0];
  EXPECT_NEAR(std::hypot(moved, bias), 0.5 * 0.1, 1e-6);
}

TEST(Trainer, FitsALine) {
  Sequential network(Dense(1));
  Trainer trainer(
      network,
      {.loss = Mse{}, .optimizer = Sgd{.learning_rate = 0.1f}, .threads = 1});
  trainer.fit(line(200), {.epochs = 20});
  EXPECT_GT(trainer.evaluate(line(100, 2)).r2, 0.999);
  const Tensor weight = network.store().get("0.weight");
  EXPECT_NEAR(weight.values<float>()[0], 2, 0.01);
  EXPECT_NEAR(weight.values<float>()[1], -3, 0.01);
}

TEST(Trainer, OtherLossesAndOptimizersLearn) {
  for (const char* name : {"sgd", "adam", "adamw", "rmsprop", "adagrad", "adamax", "nadam", "radam", "adadelta"}) {
    Sequential network(Dense(3));
    Trainer trainer(network, with(make_optimizer(name)));
    const History history = trainer.fit(blobs(300, 4, 3), {.epochs = 40, .batch_size = 16});
    EXPECT_LT(history.epochs.back().train_loss, 0.9 * history.epochs.front().train_loss) << name;
  }
  for (const Loss& loss : {Loss(Mae{}), Loss(Huber{}), Loss(Mse{})}) {
    Sequential network(Dense(1));
    Trainer trainer(
        network,
        {.loss = loss, .optimizer = Adam{.learning_rate = 0.05f}, .threads = 1});
    trainer.fit(line(200), {.epochs = 30});
    EXPECT_GT(trainer.evaluate(line(100, 2)).r2, 0.98) << to_string(loss);
  }
}

TEST(Trainer, PredictsRowsOfAnyType) {
  const Tensor bytes = Tensor::from<uint8_t>({1, 2, 3, 250, 0, 9}, {3, 2});
  Sequential network(Dense(2));
  network.build(Shape{2});
  Trainer trainer(network, with(Sgd{}));
  const Tensor expected = trainer.predict(bytes.converted(DType::f32));
  EXPECT_EQ(trainer.predict(bytes), expected);
  EXPECT_EQ(trainer.predict(bytes.converted(DType::f64)), expected);
  EXPECT_EQ(trainer.predict(Dataset::regression(bytes, Tensor(DType::f32, {3}))), expected);
  EXPECT_EQ(trainer.predict(Tensor(DType::f32, {0, 2})).shape(), (Shape{0, 2}));
  EXPECT_EQ(message<ShapeError>([&] { trainer.predict(bytes.converted(DType::i32)); }),
            "predict: rows are i32, not f32, u8 or f64: convert them with Tensor::converted");
}

TEST(Trainer, PredictsManyRowsAsOneByOne) {
  const Dataset data = blobs(600, 5, 3);
  Sequential network = small_network();
  Trainer trainer(network, with(Sgd{}, 2));
  trainer.fit(data);
  const Tensor all = trainer.predict(data);
  // Who cuts a sum by the number of threads cuts it by the number of rows as well: other roundings, no other result.
  const double bound = trainer.context().chosen().deviations().has(Semantics::thread_bits) ? 1e-6 : 0;
  for (const int64_t row : {0, 255, 256, 511, 512, 599}) {
    const Tensor one = trainer.predict(data.subset({row}));
    for (size_t c = 0; c < 3; ++c)
      EXPECT_NEAR(one.values<float>()[c], all.values<float>()[size_t(row) * 3 + c], bound) << row;
  }
}

TEST(Trainer, ValidationIsMeasuredAfterEveryEpoch) {
  const Dataset data = blobs(60, 4, 3), validation = blobs(30, 4, 3, 2);
  Sequential network = small_network();
  Trainer trainer(network, with(Sgd{}));
  const History history = trainer.fit(data, {.epochs = 2, .validation = validation});
  const Evaluation e = trainer.evaluate(validation);
  EXPECT_EQ(history.epochs[1].validation_loss, e.loss);
  EXPECT_EQ(history.epochs[1].validation_accuracy, e.accuracy);
  EXPECT_GE(history.epochs[1].seconds, 0);
  EXPECT_TRUE(std::isnan(trainer.fit(data).epochs[0].validation_loss));
}

TEST(Trainer, DivergenceEndsTraining) {
  Sequential network(Dense(1));
  Trainer trainer(
      network,
      {.loss = Mse{}, .optimizer = Sgd{.learning_rate = 1e10f}, .threads = 1});
  const std::string text = message<DataError>([&] { trainer.fit(line(64), {.epochs = 100}); });
  EXPECT_EQ(text.rfind("fit: epoch ", 0), 0u) << text;
  EXPECT_NE(text.find(": lower the learning rate, scale the data, or set clip_norm"), std::string::npos)
      << text;
}

TEST(Trainer, WithoutShufflingRowsComeInOrder) {
  const Dataset data = blobs(50, 4, 3);
  Sequential network(Dense(3));
  network.build(data.feature_shape());
  Mlp mlp;
  mlp.add(network.store(), "0");
  Trainer trainer(network, with(Sgd{.learning_rate = 0.1f}));
  trainer.fit(data, {.epochs = 1, .batch_size = 32, .shuffle = false});
  std::vector<int64_t> first(32), second(18);
  std::iota(first.begin(), first.end(), 0);
  std::iota(second.begin(), second.end(), 32);
  mlp.train(data, first, double(0.1f));
  mlp.train(data, second, double(0.1f));
  const Tensor weight = network.store().get("0.weight");
  for (size_t i = 0; i < 12; ++i) EXPECT_NEAR(weight.values<float>()[i], mlp.layers[0].weight[i], 1e-6);
}

TEST(Trainer, NoEpochsOnlyBuild) {
  Sequential network = small_network();
  Trainer trainer(network, with(Sgd{}));
  EXPECT_TRUE(trainer.fit(blobs(40, 2, 3), {.epochs = 0}).epochs.empty());
  EXPECT_TRUE(network.built());
}

TEST(Trainer, WhatAStepReadsLiesTogether) {
  const Dataset data = blobs(40, 100, 3);
  Sequential network(Dense(200), Relu(), Dense(3));
  Trainer trainer(network, with(Adam{}));
  network.build(data.feature_shape(), 1);
  const Tensor before = trainer.predict(data);  // a plan without the optimizer's states, which moves the weights alone
  trainer.fit(data, {.epochs = 1});
  std::set<uintptr_t> addresses;
  for (const auto& [name, entry] : network.store().entries())
    if (entry.data.byte_count() >= size_t(64) << 10) addresses.insert(reinterpret_cast<uintptr_t>(entry.data.bytes()));
  EXPECT_EQ(addresses.size(), 3u);
  EXPECT_EQ(*addresses.begin() % huge_page, 0u);
  EXPECT_LT(*addresses.rbegin() - *addresses.begin(), huge_page);
  const Tensor after = trainer.predict(data);
  EXPECT_FALSE(after == before) << "the first plan reads what was";
  EXPECT_EQ(after, Trainer(network, with(Adam{})).predict(data));
}

TEST(Trainer, TrainsInDouble) {
  const Dataset data = blobs(50, 4, 3);
  Sequential network(Dense(8), Relu(), Dense(3));
  network.build(data.feature_shape(), 11, DType::f64);
  Mlp mlp;
  mlp.add(network.store(), "0");
  mlp.add(network.store(), "2");
  TrainerOptions options = with(Sgd{.learning_rate = 0.125f});
  options.accumulate = 2;
  Trainer trainer(network, options);
  trainer.fit(data, {.epochs = 1, .batch_size = 25, .shuffle = false});
  std::vector<int64_t> rows(50);
  std::iota(rows.begin(), rows.end(), 0);
  mlp.train(data, rows, 0.125);
  const Tensor weight = network.store().get("0.weight");
  for (size_t i = 0; i < 32; ++i) EXPECT_NEAR(weight.values<double>()[i], mlp.layers[0].weight[i], 1e-14);
  EXPECT_EQ(trainer.predict(data).dtype(), DType::f32);
}

TEST(Trainer, PlanIsATable) {
  Sequential network = small_network();
  Trainer trainer(network, with(Sgd{}));
  trainer.fit(blobs(40, 4, 3));
  const std::string table = trainer.plan(64);
  EXPECT_NE(table.find("matmul/nn/f32/m64~"), std::string::npos) << table;
  EXPECT_NE(table.find(trainer.context().chosen().name()), std::string::npos) << table;
  EXPECT_NE(table.find("update/"), std::string::npos) << table;
}

TEST(Trainer, CanBeMoved) {
  Sequential network(Dense(3));
  Trainer first(network, with(Sgd{}));
  const std::string backend = first.context().chosen().name();
  Trainer second = std::move(first);
  second.fit(blobs(40, 2, 3));
  EXPECT_EQ(second.network().output_shape(), Shape{3});
  EXPECT_EQ(second.context().chosen().name(), backend);
}

}  // namespace
}  // namespace plexus

#include "plexus/trainer/callback.h"

#include <gtest/gtest.h>

#include <cmath>

#include "plexus/core/error.h"
#include "plexus/layers/dense.h"
#include "plexus/trainer/lambda_callback.h"
#include "plexus/trainer/trainer.h"
#include "trainer/example_data.h"
#include "core/message.h"

namespace plexus {
namespace {

/// Writes down what it hears; stops or throws where told to.
struct Listener : Callback {
  explicit Listener(std::string n, std::vector<std::string>& l) : log_name(std::move(n)), log(l) {}
  void on_train_begin(Sequential&, const Progress& p) override {
    hear("train " + std::to_string(p.epoch) + "/" + std::to_string(p.epochs) + " " + std::to_string(p.steps));
  }
  void on_epoch_begin(const Progress& p) override {
    hear("begin " + std::to_string(p.epoch) + "/" + std::to_string(p.epochs));
  }
  void on_step_begin(const Progress& p) override {
    hear("step " + std::to_string(p.step) + "/" + std::to_string(p.steps) + " after " +
         std::to_string(p.rows));
  }
  bool on_step(const Progress& p) override {
    hear("step " + std::to_string(p.step) + "/" + std::to_string(p.steps) + " " + std::to_string(p.rows));
    return p.epoch == stop_epoch && p.step == stop_step;
  }
  bool on_epoch(const Epoch& e) override {
    hear("epoch " + std::to_string(e.epoch));
    return e.epoch == stop_after;
  }
  void on_train_end(const History& h) override { hear("end " + std::to_string(h.epochs.size())); }

  void hear(const std::string& what) {
    log.push_back(log_name + " " + what);
    if (what == throws_at) throw std::runtime_error(log_name + " has enough");
  }
  std::string log_name;
  std::vector<std::string>& log;
  std::string throws_at;
  int64_t stop_epoch = 0, stop_step = 0, stop_after = 0;
};

struct Callbacks : testing::Test {
  std::vector<std::string> log;
  Listener a{"a", log}, b{"b", log}, c{"c", log};
  Sequential network{Dense(3)};
  Trainer trainer{network, {.threads = 1}};
  const Dataset data = blobs(40, 2, 3);
  using Lines = std::vector<std::string>;
};

TEST_F(Callbacks, HearEverythingInOrder) {
  const History history = trainer.fit(data, {.epochs = 1, .batch_size = 32, .callbacks = {&a, &b}});
  EXPECT_EQ(log, (Lines{"a train 0/1 2", "b train 0/1 2", "a begin 1/1", "b begin 1/1",                //
                        "a step 1/2 after 0", "b step 1/2 after 0", "a step 1/2 32", "b step 1/2 32",  //
                        "a step 2/2 after 32", "b step 2/2 after 32", "a step 2/2 40", "b step 2/2 40",
                        "a epoch 1", "b epoch 1", "a end 1", "b end 1"}));
  EXPECT_FALSE(history.stopped);
  log.clear();
  trainer.fit(data, {.epochs = 1, .full_batch = true, .callbacks = {&a}});
  EXPECT_EQ(log, (Lines{"a train 1/2 1", "a begin 2/2", "a step 1/1 after 0", "a step 1/1 40", "a epoch 2",
                        "a end 1"}));
}

TEST_F(Callbacks, StopWithinAnEpoch) {
  a.stop_epoch = a.stop_step = 2;
  const History history =
      trainer.fit(data, {.epochs = 5, .batch_size = 10, .validation = data, .callbacks = {&a, &b}});
  EXPECT_TRUE(history.stopped);
  ASSERT_EQ(history.epochs.size(), 2u);
  log.erase(log.begin(), log.end() - 4);
  EXPECT_EQ(log, (Lines{"a step 2/4 20", "b step 2/4 20", "a end 2", "b end 2"}));
  EXPECT_TRUE(std::isfinite(history.epochs[1].train_loss));
  EXPECT_TRUE(std::isnan(history.epochs[1].validation_loss));
  EXPECT_EQ(trainer.fit(data).epochs.front().epoch, 3);
}

TEST_F(Callbacks, StopAfterAnEpoch) {
  a.stop_after = 2;
  const History history = trainer.fit(data, {.epochs = 5, .callbacks = {&a, &b}});
  EXPECT_TRUE(history.stopped);
  EXPECT_EQ(history.epochs.size(), 2u);
  EXPECT_EQ(log.back(), "b end 2");
}

TEST_F(Callbacks, ErrorsReachTheCallerAndTheOthersAreEnded) {
  for (const char* place :
       {"train 0/1 2", "begin 1/1", "step 1/2 after 0", "step 1/2 32", "epoch 1", "end 1"}) {
    Sequential another(Dense(3));
    Trainer fresh(another, {.threads = 1});
    log.clear();
    b.throws_at = place;
    c.throws_at = "end 0";  // on the way out of an exception: dropped
    EXPECT_EQ(message<std::runtime_error>([&] {
                fresh.fit(data, {.batch_size = 32, .callbacks = {&a, &b, &c}});
              }),
              "b has enough")
        << place;
    int ends = 0;
    for (const std::string& line : log) {
      ends += line.rfind("a end ", 0) == 0 || line.rfind("c end ", 0) == 0;
      EXPECT_TRUE(std::string(place) == "end 1" || line.rfind("b end ", 0) != 0) << place;
    }
    // c has not begun where b threw in on_train_begin.
    EXPECT_EQ(ends, std::string(place) == "train 0/1 2" ? 1 : 2) << place;
    EXPECT_EQ(fresh.fit(data).epochs.size(), 1u) << place;
  }
}

TEST_F(Callbacks, AreEndedWhereTrainingDiverges) {
  Sequential deep(Dense(1));
  Trainer fast(deep, {.loss = Mse{}, .optimizer = Sgd{.learning_rate = 1e10f}, .threads = 1});
  EXPECT_THROW(fast.fit(line(64), {.epochs = 100, .callbacks = {&a}}), DataError);
  EXPECT_EQ(log.back().rfind("a end ", 0), 0u) << log.back();
}

TEST_F(Callbacks, NullIsRefused) {
  EXPECT_EQ(message<ArgumentError>([&] {
              trainer.fit(data, {.callbacks = {&a, nullptr}});
            }),
            "fit: callback 2 is null: leave it out");
  EXPECT_FALSE(network.built());
  EXPECT_TRUE(log.empty());
}

/// Halves the learning rate after an epoch, and takes all weights away at the end.
struct Halver : Callback {
  void on_train_begin(Sequential& n, const Progress&) override { network = &n; }
  double learning_rate_factor() const override { return share; }
  bool on_step(const Progress& p) override {
    rates.push_back(p.learning_rate);
    return false;
  }
  bool on_epoch(const Epoch& e) override {
    EXPECT_EQ(e.learning_rate, rates.back());
    share /= 2;
    return false;
  }
  void on_train_end(const History&) override { network->store().set("0.weight", Tensor(DType::f32, {2, 3})); }
  Sequential* network = nullptr;
  double share = 1;
  std::vector<double> rates;
};

TEST_F(Callbacks, ActOnLearningRateAndWeights) {
  Halver halver;
  Sequential net(Dense(3));
  Trainer t(net, {.optimizer = Sgd{.learning_rate = 0.5f}, .threads = 1});
  const History history = t.fit(data, {.epochs = 2, .batch_size = 20, .callbacks = {&halver}});
  t.fit(data, {.batch_size = 20, .callbacks = {&halver}});
  EXPECT_EQ(halver.rates, (std::vector<double>{0.5, 0.5, 0.25, 0.25, 0.125, 0.125}));
  EXPECT_EQ(history.epochs[1].learning_rate, 0.25);
  EXPECT_EQ(net.store().get("0.weight"), Tensor(DType::f32, {2, 3}));
  EXPECT_EQ(net.store().get("learning_rate").values<float>()[0], 0.125f);
}

TEST_F(Callbacks, CanBeFunctions) {
  std::string heard;
  LambdaCallback all(
      {.on_train_begin = [&](Sequential& n, const Progress&) { heard += n.built() ? "t" : "?"; },
       .on_epoch_begin = [&](const Progress&) { heard += "b"; },
       .on_step_begin = [&](const Progress&) { heard += "("; },
       .on_step = [&](const Progress&) { return heard += ")", false; },
       .on_epoch = [&](const Epoch& e) { return heard += "e", e.epoch == 2; },
       .on_train_end = [&](const History&) { heard += "."; }});
  LambdaCallback none({});
  LambdaCallback stop({.on_step = [](const Progress&) { return true; }});
  trainer.fit(data, {.epochs = 9, .batch_size = 20, .callbacks = {&all, &none}});
  EXPECT_EQ(heard, "tb()()eb()()e.");
  EXPECT_TRUE(trainer.fit(data, {.batch_size = 20, .callbacks = {&none, &stop}}).stopped);
}

TEST_F(Callbacks, WithoutStateRefuseOne) {
  EXPECT_EQ(a.state(), "");
  EXPECT_NO_THROW(a.restore(""));
  EXPECT_EQ(message<FormatError>([&] { a.restore("{}"); }), "callback '': has no state, but is given one");
}

}  // namespace
}  // namespace plexus

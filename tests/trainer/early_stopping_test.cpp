#include "plexus/trainer/early_stopping.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "plexus/core/error.h"
#include "plexus/layers/dense.h"
#include "plexus/trainer/trainer.h"
#include "trainer/example_data.h"
#include "core/message.h"

namespace plexus {
namespace {

/// The epoch after which it stops, from 1; 0 where it does not.
int64_t stop_of(EarlyStopping& stopping, const std::vector<double>& losses, int64_t first = 1) {
  Sequential network(Dense(1));
  network.build(Shape{1});
  stopping.on_train_begin(network, {});
  for (size_t i = 0; i < losses.size(); ++i)
    if (stopping.on_epoch({.epoch = first + int64_t(i), .validation_loss = losses[i]}))
      return first + int64_t(i);
  return 0;
}

TEST(EarlyStopping, WaitsAsLongAsItsPatience) {
  const std::vector<double> losses = {5, 4, 4.5, 4, 3.9, 4, 4, 4, 4};
  for (const auto& [patience, last] :
       std::vector<std::pair<int64_t, int64_t>>{{0, 3}, {1, 3}, {2, 4}, {3, 8}, {4, 9}, {5, 0}}) {
    EarlyStopping stopping({.patience = patience});
    EXPECT_EQ(stop_of(stopping, losses), last) << patience;
    EXPECT_EQ(stopping.best_epoch(), last == 0 || last > 4 ? 5 : 2) << patience;
    EXPECT_EQ(stopping.best(), last == 0 || last > 4 ? 3.9 : 4) << patience;
    EXPECT_EQ(stopping.stopped(), last > 0) << patience;
  }
}

TEST(EarlyStopping, SmallGainsAreNone) {
  EarlyStopping stopping({.patience = 2, .min_delta = 0.5});
  EXPECT_EQ(stop_of(stopping, {5, 4.6, 4.5, 4.4}), 3);  // exactly min_delta is too little
  EarlyStopping patient({.patience = 2, .min_delta = 0.5});
  EXPECT_EQ(stop_of(patient, {5, 4.6, 4.25, 4.2, 3.9}), 5) << "measured from the best, not from the last";
}

TEST(EarlyStopping, MonitorsWhatItIsTold) {
  EarlyStopping accuracy({.monitor = Monitor::validation_accuracy, .patience = 1, .restore_best = false});
  EXPECT_FALSE(accuracy.on_epoch({.epoch = 1, .validation_accuracy = 0.5}));
  EXPECT_FALSE(accuracy.on_epoch({.epoch = 2, .validation_accuracy = 0.6}));
  EXPECT_TRUE(accuracy.on_epoch({.epoch = 3, .validation_accuracy = 0.55}));
  EarlyStopping train({.monitor = Monitor::train_loss, .patience = 1, .restore_best = false});
  EXPECT_FALSE(train.on_epoch({.epoch = 1, .train_loss = 0.5}));
  EXPECT_TRUE(train.on_epoch({.epoch = 2, .train_loss = 0.6}));
  EXPECT_EQ(accuracy.name(), "early_stopping.validation_accuracy");
}

// Trained on, weights get away from those of the second epoch: the loss of the third on is made up.
TEST(EarlyStopping, RestoresTheBestWeights) {
  const Dataset data = blobs(40, 2, 3);
  for (const bool restore : {true, false}) {
    Sequential network(Dense(8), Dense(3));
    Trainer trainer(network, {.threads = 1});
    struct Rising : EarlyStopping {
      using EarlyStopping::EarlyStopping;
      void on_train_begin(Sequential& n, const Progress& p) override {
        network = &n;
        EarlyStopping::on_train_begin(n, p);
      }
      bool on_epoch(const Epoch& e) override {
        if (e.epoch == 2) weights = network->store().get("0.weight");
        last = network->store().get("0.weight");
        return EarlyStopping::on_epoch(
            {.epoch = e.epoch, .validation_loss = std::abs(double(e.epoch) - 2.0)});
      }
      Sequential* network = nullptr;
      Tensor weights, last;
    } rising({.patience = 3, .restore_best = restore});
    const History history = trainer.fit(data, {.epochs = 20, .callbacks = {&rising}});
    EXPECT_EQ(history.epochs.size(), 5u);
    EXPECT_TRUE(history.stopped);
    ASSERT_NE(rising.weights, rising.last);
    EXPECT_EQ(network.store().get("0.weight"), restore ? rising.weights : rising.last);
    EXPECT_EQ(network.store().contains("early_stopping.validation_loss.0.weight"), restore);
    EXPECT_EQ(network.parameter_count(), 2 * 8 + 8 + 8 * 3 + 3);
  }
}

// The training ends otherwise: at its last epoch, within an epoch, with an exception.
TEST(EarlyStopping, RestoresHoweverTrainingEnds) {
  struct Ender : Callback {
    bool on_epoch(const Epoch& e) override {
      if (e.epoch == 1) weights = network->store().get("0.weight");
      return false;
    }
    void on_train_begin(Sequential& n, const Progress&) override { network = &n; }
    bool on_step(const Progress& p) override {
      if (how == "exception" && p.epoch == 3) throw std::runtime_error("end");
      return how == "step" && p.epoch == 3;
    }
    std::string how;
    Sequential* network = nullptr;
    Tensor weights;
  };
  for (const char* how : {"", "step", "exception"}) {
    Sequential network(Dense(3));
    Trainer trainer(network, {.threads = 1});
    Ender ender;
    ender.how = how;
    // Nothing is ever better than the first epoch.
    EarlyStopping stopping({.monitor = Monitor::train_loss, .min_delta = 1e9});
    try {
      trainer.fit(blobs(40, 2, 3), {.epochs = 4, .callbacks = {&ender, &stopping}});
    } catch (const std::runtime_error&) {
    }
    EXPECT_EQ(network.store().get("0.weight"), ender.weights) << how;
  }
}

TEST(EarlyStopping, StateGoesOn) {
  const std::vector<double> losses = {5, 1.0 / 3, 4, 4};
  EarlyStopping whole({.patience = 4});
  EXPECT_EQ(stop_of(whole, losses), 0);
  EXPECT_EQ(whole.state(), R"({"best":0.3333333333333333,"best_epoch":2,"waited":2})");
  EarlyStopping other({.patience = 4});
  other.restore(whole.state());
  EXPECT_EQ(other.best(), 1.0 / 3);
  EXPECT_EQ(stop_of(other, {4, 4}, 5), 6);
  EarlyStopping endless({.patience = 4});
  stop_of(endless, {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity()});
  other.restore(endless.state());
  EXPECT_EQ(other.best(), std::numeric_limits<double>::infinity());
  EXPECT_EQ(other.state(), endless.state());
}

TEST(EarlyStopping, StatesOfOthersAreRefused) {
  EarlyStopping stopping;
  stop_of(stopping, {3, 4});
  const std::string before = stopping.state();
  const auto refused = [&](const char* state) {
    const std::string text = message<FormatError>([&] { stopping.restore(state); });
    EXPECT_EQ(stopping.state(), before) << state;
    return text;
  };
  const std::string who = "state of callback 'early_stopping.validation_loss': ";
  EXPECT_EQ(refused(""), who + "expected a JSON object");
  EXPECT_EQ(refused("{\"best\":1"), who + "expected a JSON object");
  EXPECT_EQ(refused("[1]"), who + "expected a JSON object");
  EXPECT_EQ(refused("{}"), who + "expected a number 'best'");
  EXPECT_EQ(refused(R"({"best":"1","best_epoch":1,"waited":0})"), who + "expected a number 'best'");
  EXPECT_EQ(refused(R"({"best":1,"best_epoch":-1,"waited":0})"),
            who + "expected a whole number 'best_epoch' of at least 0");
  EXPECT_EQ(refused(R"({"best":1,"best_epoch":1,"waited":0.5})"),
            who + "expected a whole number 'waited' of at least 0");
}

TEST(EarlyStopping, MistakesAreNamed) {
  EXPECT_EQ(message<ArgumentError>([] { EarlyStopping({.patience = -1}); }),
            "early stopping: patience -1: choose 0 or more epochs");
  EXPECT_EQ(message<ArgumentError>([] { EarlyStopping({.min_delta = std::nan("")}); }),
            "early stopping: min_delta nan: choose 0 or more");
  EarlyStopping stopping, accuracy({.monitor = Monitor::validation_accuracy});
  Sequential network(Dense(3));
  Trainer trainer(network, {.threads = 1});
  EXPECT_EQ(
      message<ArgumentError>([&] { trainer.fit(blobs(40, 2, 3), {.callbacks = {&stopping}}); }),
      "early stopping: epoch 1 has no validation_loss: give fit validation data, or monitor train_loss");
  EXPECT_EQ(
      message<ArgumentError>([&] { trainer.fit(blobs(40, 2, 3), {.callbacks = {&accuracy}}); }),
      "early stopping: epoch 2 has no validation_accuracy: give fit validation data with classes, or monitor "
      "a loss");
}

}  // namespace
}  // namespace plexus

#include "plexus/trainer/reduce_on_plateau.h"

#include <gtest/gtest.h>

#include <cmath>

#include "plexus/core/error.h"
#include "plexus/layers/dense.h"
#include "plexus/trainer/trainer.h"
#include "trainer/example_data.h"
#include "core/message.h"

// Its decisions against PyTorch's: tests/golden/schedule_test.cpp.
namespace plexus {
namespace {

TEST(ReduceOnPlateau, MultipliesTheScheduledRate) {
  // No epoch after the first is ever better by half: reductions after the third and the fifth.
  ReduceOnPlateau plateau(
      {.monitor = Monitor::train_loss, .factor = 0.5, .patience = 1, .threshold = 0.999999});
  Sequential network(Dense(3));
  Trainer trainer(network, {.optimizer = Sgd{.learning_rate = 0.5f},
                            .schedule = StepDecay{.every = 4, .factor = 0.125},
                            .threads = 1});
  const History history = trainer.fit(blobs(40, 2, 3), {.epochs = 6, .callbacks = {&plateau}});
  std::vector<double> rates;
  for (const Epoch& epoch : history.epochs) rates.push_back(epoch.learning_rate);
  EXPECT_EQ(rates, (std::vector<double>{0.5, 0.5, 0.5, 0.25, 0.03125, 0.015625}));
}

TEST(ReduceOnPlateau, AccuracyRises) {
  ReduceOnPlateau plateau({.monitor = Monitor::validation_accuracy, .patience = 0});
  for (const double accuracy : {0.5, 0.6, 0.7}) plateau.on_epoch({.validation_accuracy = accuracy});
  EXPECT_EQ(plateau.learning_rate_factor(), 1);
  plateau.on_epoch({.validation_accuracy = 0.69});
  EXPECT_EQ(plateau.learning_rate_factor(), 0.1);
}

TEST(ReduceOnPlateau, StateGoesOn) {
  const ReduceOnPlateauOptions options{.factor = 0.3, .patience = 1, .cooldown = 2};
  ReduceOnPlateau whole(options), second(options);
  std::string state;
  for (int t = 0; t < 40; ++t) {
    const double loss = 1.0 / (1 + t / 7) + t * 5 % 3 / 30.0;
    if (t == 17) second.restore(whole.state());
    whole.on_epoch({.validation_loss = loss});
    if (t < 17) continue;
    second.on_epoch({.validation_loss = loss});
    EXPECT_EQ(second.learning_rate_factor(), whole.learning_rate_factor()) << t;
    EXPECT_EQ(second.state(), whole.state()) << t;
  }
  EXPECT_LT(whole.learning_rate_factor(), 0.1);
}

TEST(ReduceOnPlateau, MistakesAreNamed) {
  const auto refused = [](const ReduceOnPlateauOptions& options) {
    return message<ArgumentError>([&] { ReduceOnPlateau plateau(options); });
  };
  EXPECT_EQ(refused({.factor = 1}), "reduce on plateau: factor 1: choose one in (0, 1)");
  EXPECT_EQ(refused({.patience = -1}), "reduce on plateau: patience -1: choose 0 or more epochs");
  EXPECT_EQ(refused({.threshold = -1}), "reduce on plateau: threshold -1: choose one in [0, 1)");
  EXPECT_EQ(refused({.cooldown = -1}), "reduce on plateau: cooldown -1: choose 0 or more epochs");
  EXPECT_EQ(refused({.minimum = std::nan("")}), "reduce on plateau: minimum nan: choose one in [0, 1]");
  ReduceOnPlateau plateau;
  EXPECT_EQ(
      message<ArgumentError>([&] { plateau.on_epoch({.epoch = 3, .validation_loss = std::nan("")}); }),
      "reduce on plateau: epoch 3 has no validation_loss: give fit validation data, or monitor train_loss");
  const std::string before = plateau.state();
  EXPECT_EQ(message<FormatError>(
                [&] { plateau.restore(R"({"factor":7,"best":1,"epochs":1,"waited":0,"cooling":0})"); }),
            "state of callback 'reduce_on_plateau.validation_loss': expected a 'factor' in [0, 1]");
  EXPECT_EQ(message<FormatError>([&] { plateau.restore("{\"factor\":0.5}"); }),
            "state of callback 'reduce_on_plateau.validation_loss': expected a number 'best'");
  EXPECT_EQ(plateau.state(), before);
}

}  // namespace
}  // namespace plexus

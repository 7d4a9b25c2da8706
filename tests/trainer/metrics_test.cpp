#include "plexus/trainer/metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <iomanip>
#include <sstream>

#include "plexus/core/error.h"
#include "trainer/message.h"

namespace plexus {
namespace {

// Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3: four digits.
TEST(WilsonInterval, AgreesWithPublishedValues) {
  const struct {
    int64_t correct, total;
    double low, high;
  } published[] = {
      {81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718}};
  for (const auto& [correct, total, low, high] : published) {
    const Interval interval = wilson_interval(correct, total);
    EXPECT_NEAR(interval.low, low, 0.00005) << correct << " of " << total;
    EXPECT_NEAR(interval.high, high, 0.00005) << correct << " of " << total;
    const Interval mirrored = wilson_interval(total - correct, total);
    EXPECT_NEAR(mirrored.low, 1 - interval.high, 1e-12);
    EXPECT_NEAR(mirrored.high, 1 - interval.low, 1e-12);
  }
}

TEST(WilsonInterval, EndsAreExact) {
  EXPECT_EQ(wilson_interval(0, 7).low, 0);
  EXPECT_EQ(wilson_interval(7, 7).high, 1);
  EXPECT_EQ(wilson_interval(0, 0).low, 0);
  EXPECT_EQ(wilson_interval(0, 0).high, 1);
  EXPECT_EQ(message<ArgumentError>([] { wilson_interval(3, 2); }),
            "wilson_interval: 3 of 2: give a part and a whole");
}

TEST(Evaluation, PrintsClassification) {
  Evaluation e;
  e.classification = true;
  e.rows = 100;
  e.loss = 0.34567;
  e.accuracy = 0.9;
  e.interval = {0.8256, 0.9448};
  e.class_names = {"cat", "horse"};
  e.confusion = {40, 5, 5, 50};
  std::ostringstream text;
  text << e;
  EXPECT_EQ(text.str(),
            "loss 0.3457 on 100 rows\n"
            "accuracy 90.00 % (95 % interval 82.56 to 94.48 %)\n"
            "confusion (rows: true, columns: predicted)\n"
            "           0  1\n"
            "  0 cat   40  5\n"
            "  1 horse  5 50\n");
}

TEST(Evaluation, PrintsRegression) {
  Evaluation e;
  e.rows = 1;
  e.loss = 12.5;
  e.mae = 2;
  e.rmse = 3.25;
  e.r2 = 0.875;
  std::ostringstream text;
  text << e;
  EXPECT_EQ(text.str(), "loss 12.5 on 1 row\nMAE 2, RMSE 3.25, R2 0.875\n");
}

TEST(Epoch, PrintsALine) {
  const double nan = std::nan("");
  const auto line = [](const Epoch& epoch) {
    std::ostringstream out;
    out << std::fixed << std::setprecision(9) << epoch << ' ' << 0.5;
    return out.str();
  };
  EXPECT_EQ(line({.epoch = 3, .train_loss = 0.34061, .validation_loss = 0.36567, .validation_accuracy = 0.871, .seconds = 0.8734}),
            "epoch 3  loss 0.3406  validation loss 0.3657  accuracy 87.1 %  0.87 s 0.500000000");
  EXPECT_EQ(line({.epoch = 12, .train_loss = 1e-7, .validation_loss = nan, .validation_accuracy = nan, .seconds = 61}),
            "epoch 12  loss 1e-07  61 s 0.500000000");
}

}  // namespace
}  // namespace plexus

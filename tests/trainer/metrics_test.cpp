#include "plexus/trainer/metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <iomanip>
#include <sstream>

namespace plexus {
namespace {

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

  e.scores = class_scores(e.confusion);
  e.auc = {0.9567, 0.9567};
  e.macro_f1 = 0.899;
  e.macro_auc = 0.9567;
  e.top5_accuracy = 1;
  e.calibration = {.bins = {{100, 0.95, 0.9}}, .error = 0.05};
  std::ostringstream scores;
  scores << e;
  EXPECT_EQ(scores.str().substr(text.str().size()),
            "           precision     recall         F1        AUC       rows\n"
            "  0 cat       0.8889     0.8889     0.8889     0.9567         45\n"
            "  1 horse     0.9091     0.9091     0.9091     0.9567         55\n"
            "F1 0.8990, AUC 0.9567 (means over the classes), calibration error 5.00 %\n");
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

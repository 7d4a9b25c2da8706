#include "plexus/trainer/metrics.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace plexus

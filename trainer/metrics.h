// What a trained network is measured by.
#pragma once
#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "plexus/export.h"
#include "plexus/trainer/scores.h"

namespace plexus {

/// Result of Trainer::evaluate. Classification fills accuracy to calibration, regression mae to r2; the others are NaN or empty.
struct Evaluation {
  int64_t rows = 0;
  double loss = 0;
  double accuracy = 0;
  Interval interval;
  std::vector<std::string> class_names;
  std::vector<int64_t> confusion;  ///< [true][predicted], K x K
  std::vector<ClassScore> scores;  ///< of each class
  std::vector<double> auc;         ///< of each class against the others, by its probability; NaN where there are none of either
  double macro_f1 = 0;             ///< mean of f1 over the classes
  double macro_auc = 0;            ///< mean of auc over the classes that have one
  double top5_accuracy = 0;        ///< share of rows whose class is among the five most likely (lowest index on ties)
  Calibration calibration;         ///< of the probability of the predicted class
  double mae = 0, rmse = 0;        ///< over all target columns
  double r2 = 0;                   ///< 1 - residual / total sum of squares, each column about its own mean; NaN where
                                   ///< the targets are constant
  bool classification = false;
};
/// Several lines for people.
PLEXUS_EXPORT std::ostream& operator<<(std::ostream& out, const Evaluation& evaluation);

/// One epoch of training.
struct Epoch {
  int64_t epoch = 0;               ///< from 1
  double train_loss = 0;           ///< mean over the rows of the epoch, as they were trained on
  double validation_loss = 0;      ///< NaN without validation data
  double validation_accuracy = 0;  ///< NaN without, and for regression
  double learning_rate = 0;        ///< of its last step
  double seconds = 0;
};
/// "epoch 3  loss 0.3406  validation loss 0.3657  accuracy 87.1 %  0.87 s": a line for people, without what is NaN.
PLEXUS_EXPORT std::ostream& operator<<(std::ostream& out, const Epoch& epoch);

struct History {
  std::vector<Epoch> epochs;
  bool stopped = false;            ///< a callback or a signal ended it early
};

}  // namespace plexus

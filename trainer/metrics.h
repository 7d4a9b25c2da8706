// What a trained network is measured by.
#pragma once
#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "plexus/export.h"

namespace plexus {

/// A 95 % confidence interval.
struct Interval {
  double low = 0, high = 0;
};
/// Wilson's score interval for `correct` of `total` (Wilson 1927), z = 1.959964. total = 0: [0, 1].
PLEXUS_EXPORT Interval wilson_interval(int64_t correct, int64_t total);

/// Result of Trainer::evaluate. Classification fills accuracy to confusion, regression mae to r2; the others are NaN or empty.
struct Evaluation {
  int64_t rows = 0;
  double loss = 0;
  double accuracy = 0;
  Interval interval;
  std::vector<std::string> class_names;
  std::vector<int64_t> confusion;  ///< [true][predicted], K x K
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

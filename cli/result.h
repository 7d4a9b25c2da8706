// Result: a finished run for programs.
#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "plexus/trainer/finding.h"
#include "plexus/trainer/metrics.h"

namespace plexus::cli {

struct TrainingResult {
  std::string backend, isa;
  int threads = 0;
  uint64_t seed = 0;
  bool classification = false;
  int64_t parameters = 0;
  History history;
  int64_t best_epoch = 0;         ///< whose weights the network has; 0: the last one's
  std::optional<Evaluation> test;  ///< absent where a signal ended the training
  std::vector<Finding> findings;   ///< of the diagnosis
};

/// One JSON object: backend, isa, threads, seed, task ("classify", "regress"), parameters, epochs (train_loss,
/// validation_loss, in a regression both of standardised targets, validation_accuracy, learning_rate, seconds), best_epoch
/// (null: the last), test (loss, accuracy, interval, top5_accuracy, f1, auc, calibration_error; or loss, rmse, mae, r2),
/// findings (id, message, remedy). NaN and what is absent are null.
nlohmann::ordered_json to_json(const TrainingResult& result);

/// A column of the data and how many of its rows hold a category that the model does not know.
struct UnknownCategories {
  std::string column;
  int64_t rows = 0;
};

/// A saved model tested: task, rows, what TrainingResult says of a test, classes, confusion matrix (rows: true), scores of each class
/// and calibration where there are any, and unknown_categories: rows by column.
nlohmann::ordered_json to_json(const Evaluation& evaluation, const std::vector<UnknownCategories>& unknown);

}  // namespace plexus::cli

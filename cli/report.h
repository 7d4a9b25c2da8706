// Report: a finished run for programs.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "plexus/trainer/metrics.h"

namespace plexus::cli {

struct Report {
  std::string backend, isa;
  int threads = 0;
  uint64_t seed = 0;
  bool classification = false;
  int64_t parameters = 0;
  History history;
  std::optional<Evaluation> test;  ///< absent where a signal ended the training
};

/// One JSON object: backend, isa, threads, seed, task ("classify", "regress"), parameters, epochs (train_loss,
/// validation_loss, validation_accuracy, seconds), test (loss, accuracy, interval; or loss, rmse, mae, r2). NaN and what
/// is absent are null.
std::string to_json(const Report& report);

}  // namespace plexus::cli

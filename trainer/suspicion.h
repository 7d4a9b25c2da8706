// Suspicions: the findings before training, a room each. Private.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "plexus/layers/sequential.h"
#include "plexus/trainer/dataset.h"
#include "plexus/trainer/finding.h"
#include "plexus/trainer/trainer.h"

namespace plexus {

using Findings = std::vector<Finding>;

/// Of columns, targets and classes. The data are as the network takes them: with its numbers for categories.
void suspect_columns(const Sequential& network, const Dataset& data, Findings& findings);
void suspect_targets(const TrainerOptions& options, const Dataset& data, Findings& findings);
void suspect_leaks(const Dataset& data, Findings& findings);
/// Of rows that occur twice: with other labels, or in `other` too. `name`: "test", "validation".
struct HashedRow {
  uint64_t hash;
  int64_t position;
};
/// The features of all rows, or of evenly spread ones where they are too many, by hash. `bytes`: of their values as they lie,
/// else as f32.
std::vector<HashedRow> hashed(const Dataset& data, bool bytes = true);
void suspect_contradictions(const Dataset& data, const std::vector<HashedRow>& rows, Findings& findings);
/// `known`: the training rows, by their bytes.
void suspect_other(const Dataset& train, const std::vector<HashedRow>& known, const Dataset& other, const std::string& name,
                   Findings& findings);
/// Of optimizer, schedule, penalties and batches.
void suspect_settings(const TrainerOptions& options, const FitOptions& fit, const Dataset& data, Findings& findings);
/// Of layers, and of first weights. `built`: the network or a copy of it, built; `fresh`: nobody has touched its weights.
void suspect_layers(const Sequential& network, const Loss& loss, const Dataset& data, Findings& findings);
void suspect_weights(const Sequential& built, bool fresh, Findings& findings);

/// All of these, in the order of what comes first. `validation`, `test`: null where there is none.
Findings suspicions(const Sequential& built, bool fresh, const TrainerOptions& options, const FitOptions& fit,
                    const Dataset& train, const Dataset* validation, const Dataset* test);

/// "0.25", "1.2e-05": a figure in a message.
std::string figure(double value);
/// "1 row", "2 rows", "3 classes"
std::string count_of(int64_t count, const std::string& noun);
/// "column 0, column 2, ...": the first five, by the names of the data.
std::string columns_of(const Dataset& data, std::span<const size_t> columns);

/// At most so many positions of `size`, one in each of as many equal stretches: not at its beginning, since rows may come class
/// after class in turn.
std::vector<int64_t> spread_rows(int64_t size, int64_t most);

/// At most so many rows of the data, evenly spread, features in one matrix: what the closer looks go over.
struct Sample {
  explicit Sample(const Dataset& data, int64_t most_rows);
  float at(size_t row, size_t column) const { return values[row * columns + column]; }

  std::vector<int64_t> rows;  ///< of the data
  size_t columns;
  std::vector<float> values;  ///< [rows][columns]
};

}  // namespace plexus

// Dataset: features and targets, row by row. Subsets share the data.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "plexus/core/tensor.h"
#include "plexus/export.h"
#include "plexus/io/csv.h"

namespace plexus {

/// What the targets are: class numbers, or real values.
enum class Task { automatic, classify, regress };

struct TableOptions {
  int64_t label = -1;            ///< label column; negative counts from the end
  std::string label_name = {};   ///< label column by name (tables with names); empty: `label`
  Task task = Task::automatic;   ///< automatic: text labels, or at most 64 distinct whole numbers with two or more rows
                                 ///< each: classify; else regress
  std::vector<std::string> class_names = {};  ///< of the training data, for a test table: labels get their numbers there, others
                                         ///< are a DataError; not empty: classify
};

/// A handle: copies share the data.
class PLEXUS_EXPORT Dataset {
 public:
  /// No rows.
  Dataset();
  /// Features [n, ...] f32 or u8, class numbers [n] i32 (u8 and i64 are converted) in 0..K-1 with their names (K of them).
  /// Throws ShapeError where the row counts differ, DataError for numbers out of range.
  static Dataset classification(Tensor features, Tensor labels, std::vector<std::string> class_names);
  /// Features [n, ...] f32 or u8, targets [n, k] f32 ([n] is taken as [n, 1]). Throws ShapeError.
  static Dataset regression(Tensor features, Tensor targets);
  /// A matrix with one label column. Distinct labels are sorted and mapped to 0..K-1, the originals are the class names.
  /// Text in a feature column is a DataError. u8 matrices stay u8, all others become f32.
  /// Throws DataError (no rows, one column, NaN in the labels), ArgumentError (no such column), ShapeError (no matrix).
  static Dataset from_table(const Tensor& table, const TableOptions& options = {});
  static Dataset from_table(const Table& table, const TableOptions& options = {});

  int64_t size() const { return int64_t(rows_->size()); }
  /// Shape of one row of features, and of targets ([1] for class numbers).
  Shape feature_shape() const;
  Shape target_shape() const;
  bool labels() const;           ///< targets are class numbers
  int64_t classes() const;       ///< 0 for regression
  const std::vector<std::string>& class_names() const;
  const std::vector<std::string>& column_names() const;  ///< of the features; empty where unknown
  /// Why from_table chose the task: "classify: 3 distinct text labels".
  const std::string& task_reason() const;

  /// The rows of `positions` (of this dataset), in that order. Throws ArgumentError outside.
  Dataset subset(std::vector<int64_t> positions) const;

  /// Row `row` as f32 (or f64); `out` holds feature_shape().elements().
  void read_features(int64_t row, float* out) const;
  void read_features(int64_t row, double* out) const;
  /// Class number; regression row to `out` (target_shape().elements()).
  int32_t label(int64_t row) const;
  void read_target(int64_t row, float* out) const;
  void read_target(int64_t row, double* out) const;
  /// All targets as a tensor: i32 [n] or f32 [n, k].
  Tensor targets() const;
  /// Where a row comes from, whatever subset this is; for messages: "row 17", "iris.csv: line 19".
  std::string place(int64_t row) const;

 private:
  struct Data;
  explicit Dataset(Data data);
  template <class To>
  void read(int64_t row, To* out) const;
  std::shared_ptr<const Data> data_;
  std::shared_ptr<const std::vector<int64_t>> rows_;
};

struct SplitOptions {
  double test_fraction = 0.2;    ///< in (0, 1)
  uint64_t seed = 0;
  bool stratified = true;        ///< classes keep their shares (classification only)
};
struct Split {
  Dataset train, test;
};
/// Shuffles and splits; a function of the seed. At least one row on each side (stratified: of every class with two rows
/// or more). Throws ArgumentError for a fraction outside (0, 1), DataError for fewer than two rows.
PLEXUS_EXPORT Split split(const Dataset& dataset, const SplitOptions& options = {});

/// The order of epoch `epoch`: a permutation of 0..n-1, a function of (seed, epoch) alone.
PLEXUS_EXPORT std::vector<int64_t> shuffled(int64_t n, uint64_t seed, int64_t epoch);

}  // namespace plexus

// Dataset: features and targets, row by row. Subsets share the data.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "plexus/core/tensor.h"
#include "plexus/export.h"
#include "plexus/io/csv.h"
#include "plexus/layers/one_hot.h"

namespace plexus {

/// What the targets are: class numbers, or real values.
enum class Task { automatic, classify, regress };

/// What becomes of a row in which a value is missing: a field of a CSV file, NaN in a matrix. error: a
/// DataError that names row and column. drop: the row is left out. keep: the feature is NaN, for Impute to
/// fill in, or of no category; a missing label is an error.
enum class Missing { error, drop, keep };

struct TableOptions {
  std::vector<int64_t> labels = {
      -1};  ///< label columns; negative counts from the end; several: regress; none: no targets
  std::vector<std::string> label_names = {};  ///< the same by name (tables with names); empty: `labels`
  Task task = Task::automatic;  ///< automatic: text labels, or at most 64 distinct whole numbers with two or
                                ///< more rows each: classify; else regress
  Missing missing = Missing::error;
  std::vector<std::string> class_names = {};  ///< of the training data, for a test table: labels get their
                                              ///< numbers there, others are a DataError; not empty: classify
  std::vector<std::string> columns =
      {};  ///< of the training data: features are taken in this order, by name where both have
           ///< names (none is empty); a missing column or one more is a DataError
};

/// A handle: copies share the data.
class PLEXUS_EXPORT Dataset {
 public:
  /// No rows.
  Dataset();
  /// Features [n, ...] f32 or u8, class numbers [n] i32 (u8 and i64 are converted) in 0..K-1 with their names
  /// (K of them), or one-hot rows [n, K] f32. Throws ShapeError where the row counts differ, DataError for
  /// numbers out of range and rows that are no distribution over the classes.
  static Dataset classification(Tensor features, Tensor labels, std::vector<std::string> class_names);
  /// Features [n, ...] f32 or u8, targets [n, k] f32 ([n] is taken as [n, 1]). Throws ShapeError.
  static Dataset regression(Tensor features, Tensor targets);
  /// A matrix with label columns. Distinct labels are sorted and mapped to 0..K-1, the originals are the
  /// class names. Text columns become numbers of categories, for OneHot. u8 matrices stay u8, all others
  /// become f32. Throws DataError (no rows, no features, missing values), ArgumentError (no such column),
  /// ShapeError (no matrix).
  static Dataset from_table(const Tensor& table, const TableOptions& options = {});
  static Dataset from_table(const Table& table, const TableOptions& options = {});

  int64_t size() const { return int64_t(rows_->size()); }
  /// Shape of one row of features, and of targets ([1] for class numbers).
  Shape feature_shape() const;
  Shape target_shape() const;
  bool labels() const;      ///< targets are class numbers, not one-hot rows or real values
  int64_t classes() const;  ///< 0 for regression
  const std::vector<std::string>& class_names() const;
  const std::vector<std::string>& column_names() const;  ///< of the features; empty where unknown
  const std::vector<std::string>& target_names() const;  ///< of the label columns; empty where unknown
  /// Of every feature column, those that occur in these rows, sorted; empty where no column holds text.
  /// Throws DataError where a text column has no value in any of them.
  Categories categories() const;
  /// The same rows with numbers of these categories; others become unknown (-1). Throws DataError, naming the
  /// column, where one holds text and should hold numbers or the other way round.
  Dataset with_categories(const Categories& categories) const;
  /// For every feature column, how many rows hold an unknown category; empty where no column holds text.
  std::vector<int64_t> unknown_categories() const;
  /// The same rows with one-hot targets [n, K] f32 instead of class numbers. Throws ArgumentError where there
  /// are no classes.
  Dataset one_hot() const;
  /// The same rows with other targets [size(), k] f32, in their order. Throws ShapeError; ArgumentError where the targets are
  /// class numbers.
  Dataset with_targets(const Tensor& targets) const;
  /// Why from_table chose the task: "classify: 3 distinct text labels".
  const std::string& task_reason() const;
  int64_t dropped() const;  ///< rows that from_table left out (Missing::drop)

  /// The rows of `positions` (of this dataset), in that order. Throws ArgumentError outside.
  Dataset subset(std::vector<int64_t> positions) const;

  /// Row `row` as f32 (or f64); `out` holds feature_shape().elements().
  void read_features(int64_t row, float* out) const;
  void read_features(int64_t row, double* out) const;
  /// Several rows, `stride` elements from one to the next: faster than one by one, since the next row is on
  /// its way meanwhile.
  void read_features(std::span<const int64_t> rows, float* out, int64_t stride) const;
  void read_features(std::span<const int64_t> rows, double* out, int64_t stride) const;
  /// Class number (of a one-hot row, that of its largest value); targets to `out`
  /// (target_shape().elements()).
  int32_t label(int64_t row) const;
  void read_labels(std::span<const int64_t> rows, int32_t* out) const;
  void read_target(int64_t row, float* out) const;
  void read_target(int64_t row, double* out) const;
  /// All targets as a tensor: i32 [n] or f32 [n, k].
  Tensor targets() const;
  /// Where a row comes from, whatever subset this is; for messages: "row 17", "iris.csv: line 19".
  std::string place(int64_t row) const;
  /// A feature column, for messages: "column 3", "column 'width'".
  std::string column_label(int64_t column) const;

 private:
  struct Data;
  explicit Dataset(Data data);
  template <class To>
  void read(std::span<const int64_t> rows, To* out, int64_t stride) const;
  template <class From, class To>
  void read_as(std::span<const int64_t> rows, To* out, int64_t stride) const;
  std::shared_ptr<const Data> data_;
  std::shared_ptr<const std::vector<int64_t>> rows_;
};

}  // namespace plexus

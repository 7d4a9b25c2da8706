// Dataset: features and targets, row by row. Subsets share the data.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "plexus/core/tensor.h"
#include "plexus/export.h"
#include "plexus/io/csv.h"
#include "plexus/layers/one_hot.h"
#include "plexus/trainer/table_options.h"

namespace plexus {

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

  /// As from_table of load_npy(file), classification and regression, but the features stay in the .npy file, mapped into
  /// memory: more rows than memory holds can be trained on. f4, f8 and u1 keep their type until a batch is made of them. The
  /// features of a table must lie side by side (label columns first or last); TableOptions::columns names no order.
  /// The file must stay as it is: fit and evaluate throw IoError where it has changed, and where it gets shorter while rows are
  /// read, the system ends the process (SIGBUS). Throws IoError, FormatError (with what cannot be mapped), and as those.
  static Dataset map_table(const std::string& file, const TableOptions& options = {});
  static Dataset map_classification(const std::string& file, Tensor labels, std::vector<std::string> class_names);
  static Dataset map_regression(const std::string& file, Tensor targets);
  bool mapped() const;
  /// Throws IoError where the file that the features are mapped from has changed; nothing for features in memory.
  void require_unchanged() const;

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

  /// The same rows, of which the i-th counts weights[i] times in the loss of training: Keras' sample_weight; subsets take
  /// theirs along. Throws ShapeError where their number is not size(), DataError for one below 0, NaN or infinite.
  Dataset with_sample_weights(std::vector<float> weights) const;
  bool has_sample_weights() const { return weights_ != nullptr; }
  float sample_weight(int64_t row) const { return weights_ ? (*weights_)[size_t(row)] : 1; }  ///< 1 where none were given

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
  /// A row of features where it lies.
  std::span<const std::byte> row_bytes(int64_t row) const;
  /// Where a row comes from, whatever subset this is; for messages: "row 17", "iris.csv: line 19".
  std::string place(int64_t row) const;
  /// A feature column, for messages: "column 3", "column 'width'".
  std::string column_label(int64_t column) const;

 private:
  struct Data;
  explicit Dataset(Data data);
  static Dataset mapped_features(const std::string& file, const Dataset& targets);
  template <class To>
  void read(std::span<const int64_t> rows, To* out, int64_t stride) const;
  template <class From, class To>
  void read_as(std::span<const int64_t> rows, To* out, int64_t stride) const;
  std::shared_ptr<const Data> data_;
  std::shared_ptr<const std::vector<int64_t>> rows_;
  std::shared_ptr<const std::vector<float>> weights_;  // one a row; null: all count alike
};

}  // namespace plexus

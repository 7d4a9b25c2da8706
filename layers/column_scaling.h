// ColumnScaling: preprocessing that shifts and scales every column by what it learnt from the training rows.
#pragma once
#include "plexus/layers/layer.h"

namespace plexus {

/// y = (x - offset) * scale, column by column. Until it is fitted, `scale` is NaN: nothing can pass unnoticed.
/// A column whose spread is nothing but rounding (relative to its values, in the network's type) gets the scale 0: it is 0
/// in every row, whatever a later row holds. Programs of training may begin behind it (LoweringOptions::scaled): then whoever reads
/// the rows scales them.
class PLEXUS_EXPORT ColumnScaling : public Layer {
 public:
  Shape output_shape(const Shape& input) const override { return input; }
  BufferId forward(Lowering& lowering, BufferId x) const final;
  BufferId backward(Lowering& lowering, BufferId dy, bool need_dx) const final;
  std::vector<std::pair<std::string, Shape>> states(const Shape& input) const override;
  void initialize(Store& store, const std::string& prefix, const Shape& input, uint64_t seed,
                  uint32_t layer) const override;
  Stage stage() const override { return Stage::scale; }
  /// Throws DataError where there are no rows.
  void fit(Store& store, const std::string& prefix, const Rows& rows) const override;
  bool fitted(const Store& store, const std::string& prefix) const override;
  void transform(const Store& store, const std::string& prefix, std::span<double> row) const final;
  /// The same as programs do it, in the network's type; `offset` and `scale`: what `store` has under `offset_name()` and "scale".
  template <class T>
  static void transform(const T* offset, const T* scale, std::span<T> row) {
    for (size_t i = 0; i < row.size(); i++) row[i] = (row[i] - offset[i]) * scale[i];
  }
  const std::string& offset_name() const { return offset_; }
  /// What becomes 0, a value a column.
  Tensor offset(const Store& store, const std::string& prefix) const { return store.get(prefix + "." + offset_); }

 protected:
  /// What becomes 0, and the width of what becomes 1.
  struct Column {
    double offset = 0, spread = 0;
  };
  /// `offset`: its name in the store.
  explicit ColumnScaling(std::string offset) : offset_(std::move(offset)) {}
  /// A column each; reads the rows once.
  virtual std::vector<Column> learn(const Rows& rows) const = 0;

 private:
  std::string offset_;
};

}  // namespace plexus

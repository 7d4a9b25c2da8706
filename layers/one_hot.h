// OneHot: columns of categories become a column for each category.
#pragma once
#include "plexus/layers/layer.h"

namespace plexus {

/// The categories of every column of a row, sorted; none: the column holds numbers.
using Categories = std::vector<std::vector<std::string>>;

/// A column with K categories, given as their numbers 0..K-1, becomes K columns: 1 in that of the category, else 0. All are 0
/// where the category is unknown (any other number) or missing (NaN). Columns of numbers pass. Works on rows as they are read.
/// Fitted by Trainer::fit to the categories of the training rows, before the network is built; data sets with other
/// numbers for them are translated (Dataset::with_categories).
class PLEXUS_EXPORT OneHot final : public Layer {
 public:
  /// Learns its categories when a network is fitted.
  OneHot() = default;
  /// Throws ArgumentError where a column names a category twice.
  explicit OneHot(Categories categories);

  const Categories& categories() const { return categories_; }
  bool learnt() const { return !categories_.empty(); }

  std::string name() const override;
  std::unique_ptr<Layer> clone() const override;
  /// Throws ShapeError for rows of another length, or where nothing is learnt yet.
  Shape output_shape(const Shape& input) const override;
  BufferId forward(Lowering&, BufferId x) const override { return x; }
  BufferId backward(Lowering&, BufferId dy, bool) const override { return dy; }
  Stage stage() const override { return Stage::encode; }
  bool fitted(const Store&, const std::string&) const override { return learnt(); }
  void transform(const Store&, const std::string&, std::span<double> row) const override { encode(row); }

  /// One row in place: the columns come at its front, `row` is as long as the output.
  void encode(std::span<float> row) const;
  void encode(std::span<double> row) const;

 private:
  Categories categories_;
  int64_t width_ = 0;  // of a row that comes out
};

}  // namespace plexus

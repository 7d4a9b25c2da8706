// Impute: missing values are filled in.
#pragma once
#include "plexus/layers/layer.h"

namespace plexus {

/// A missing value (NaN) becomes the mean of its column's values in the training rows, as scikit-learn's SimpleImputer by
/// default. State: "mean". Works on rows as they are read.
class PLEXUS_EXPORT Impute final : public Layer {
 public:
  std::string name() const override { return "Impute()"; }
  std::unique_ptr<Layer> clone() const override;
  Shape output_shape(const Shape& input) const override { return input; }
  BufferId forward(Lowering&, BufferId x) const override { return x; }
  BufferId backward(Lowering&, BufferId dy, bool) const override { return dy; }
  std::vector<std::pair<std::string, Shape>> states(const Shape& input) const override;
  void initialize(Store& store, const std::string& prefix, const Shape& input, uint64_t seed,
                  uint32_t layer) const override;
  Stage stage() const override { return Stage::impute; }
  /// Throws DataError where a column has no value in any row.
  void fit(Store& store, const std::string& prefix, const Rows& rows) const override;
  bool fitted(const Store& store, const std::string& prefix) const override;
  void transform(const Store& store, const std::string& prefix, std::span<double> row) const override;
};

}  // namespace plexus

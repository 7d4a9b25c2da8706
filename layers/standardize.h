// Standardize: columns with mean 0 and standard deviation 1.
#pragma once
#include "plexus/layers/column_scaling.h"

namespace plexus {

/// (x - mean) / sd with mean and population standard deviation of the training rows, as scikit-learn's StandardScaler.
/// State: "mean" and "scale" (1 / sd). Constant columns become 0.
class PLEXUS_EXPORT Standardize final : public ColumnScaling {
 public:
  Standardize() : ColumnScaling("mean") {}
  std::string name() const override { return "Standardize()"; }
  std::unique_ptr<Layer> clone() const override;

 protected:
  std::vector<Column> learn(const Rows& rows) const override;
};

}  // namespace plexus

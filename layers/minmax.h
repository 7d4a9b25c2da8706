// MinMax: columns between 0 and 1.
#pragma once
#include "plexus/layers/column_scaling.h"

namespace plexus {

/// (x - minimum) / (maximum - minimum) of the training rows, as scikit-learn's MinMaxScaler; rows seen later may leave
/// [0, 1]. State: "offset" (the minimum) and "scale". Constant columns become 0.
class PLEXUS_EXPORT MinMax final : public ColumnScaling {
 public:
  MinMax() : ColumnScaling("offset") {}
  std::string name() const override { return "MinMax()"; }
  std::unique_ptr<Layer> clone() const override;

 protected:
  std::vector<Column> learn(const Rows& rows) const override;
};

}  // namespace plexus

#include "plexus/layers/minmax.h"

#include <algorithm>
#include <limits>

namespace plexus {

std::unique_ptr<Layer> MinMax::clone() const { return std::make_unique<MinMax>(*this); }

std::vector<ColumnScaling::Column> MinMax::learn(const Rows& rows) const {
  std::vector<double> row(size_t(rows.shape.elements()));
  constexpr double infinity = std::numeric_limits<double>::infinity();
  std::vector<double> low(row.size(), infinity), high(row.size(), -infinity);
  for (int64_t i = 0; i < rows.count; i++) {
    rows.read(i, row);
    for (size_t j = 0; j < row.size(); j++) {
      low[j] = std::min(low[j], row[j]);
      high[j] = std::max(high[j], row[j]);
    }
  }
  std::vector<Column> columns(row.size());
  for (size_t j = 0; j < row.size(); j++) columns[j] = {low[j], high[j] - low[j]};
  return columns;
}

}  // namespace plexus

#include "plexus/layers/standardize.h"

#include <cmath>

namespace plexus {

std::unique_ptr<Layer> Standardize::clone() const { return std::make_unique<Standardize>(*this); }

std::vector<ColumnScaling::Column> Standardize::learn(const Rows& rows) const {
  // Welford's recurrence: one pass, stable however large the mean, and exact for constant columns.
  std::vector<double> row(size_t(rows.shape.elements()));
  std::vector<double> mean(row.size()), squares(row.size());
  for (int64_t i = 0; i < rows.count; i++) {
    rows.read(i, row);
    const double share = 1.0 / double(i + 1);
    for (size_t j = 0; j < row.size(); j++) {
      const double difference = row[j] - mean[j];
      mean[j] += difference * share;
      squares[j] += difference * (row[j] - mean[j]);
    }
  }
  std::vector<Column> columns(row.size());
  for (size_t j = 0; j < row.size(); j++) columns[j] = {mean[j], std::sqrt(squares[j] / double(rows.count))};
  return columns;
}

}  // namespace plexus

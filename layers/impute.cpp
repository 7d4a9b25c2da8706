#include "plexus/layers/impute.h"

#include <cmath>
#include <limits>

#include "plexus/core/error.h"

namespace plexus {

std::unique_ptr<Layer> Impute::clone() const { return std::make_unique<Impute>(*this); }

std::vector<std::pair<std::string, Shape>> Impute::states(const Shape& input) const {
  return {{"mean", {input.elements()}}};
}

void Impute::initialize(Store& store, const std::string& prefix, const Shape& input, uint64_t,
                        uint32_t) const {
  Tensor means(DType::f64, {input.elements()});
  for (double& mean : means.values<double>()) mean = std::numeric_limits<double>::quiet_NaN();
  store.set(prefix + ".mean", means.converted(store.entry(prefix + ".mean").data.dtype()));
}

void Impute::fit(Store& store, const std::string& prefix, const Rows& rows) const {
  // The running mean, as in Standardize: stable however large the values.
  std::vector<double> row(size_t(rows.shape.elements())), mean(row.size());
  std::vector<int64_t> count(row.size());
  for (int64_t i = 0; i < rows.count; i++) {
    rows.read(i, row);
    for (size_t j = 0; j < row.size(); j++)
      if (!std::isnan(row[j])) mean[j] += (row[j] - mean[j]) / double(++count[j]);
  }
  for (size_t j = 0; j < row.size(); j++)
    if (count[j] == 0)
      throw DataError("Impute(): column " + std::to_string(j) +
                      " has no value in any row to learn from: remove it");
  store.set(prefix + ".mean", Tensor::from(std::span<const double>(mean), {int64_t(mean.size())})
                                  .converted(store.entry(prefix + ".mean").data.dtype()));
}

bool Impute::fitted(const Store& store, const std::string& prefix) const {
  const Tensor means = store.get(prefix + ".mean").converted(DType::f64);
  for (const double mean : means.values<double>())
    if (std::isnan(mean)) return false;
  return true;
}

void Impute::transform(const Store& store, const std::string& prefix, std::span<double> row) const {
  const Tensor means = store.get(prefix + ".mean").converted(DType::f64);
  for (size_t j = 0; j < row.size(); j++)
    if (std::isnan(row[j])) row[j] = means.values<double>()[j];
}

}  // namespace plexus

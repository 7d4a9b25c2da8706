#include "plexus/layers/column_scaling.h"

#include <cmath>
#include <limits>

#include "plexus/core/error.h"

namespace plexus {
namespace {

Tensor constant(DType dtype, const Shape& shape, double value) {
  const std::vector<double> values(size_t(shape.elements()), value);
  return Tensor::from(std::span<const double>(values), shape).converted(dtype);
}

/// 1 / spread; 0 where the spread is rounding, or too small to have a reciprocal.
double reciprocal(double offset, double spread, DType dtype) {
  const bool single = dtype == DType::f32;
  const double epsilon =
      single ? double(std::numeric_limits<float>::epsilon()) : std::numeric_limits<double>::epsilon();
  const double largest =
      single ? double(std::numeric_limits<float>::max()) : std::numeric_limits<double>::max();
  const double scale = 1 / spread;
  return spread > epsilon * std::abs(offset) && scale <= largest ? scale : 0;
}

}  // namespace

std::vector<std::pair<std::string, Shape>> ColumnScaling::states(const Shape& input) const {
  return {{offset_, {input.elements()}}, {"scale", {input.elements()}}};
}

void ColumnScaling::initialize(Store& store, const std::string& prefix, const Shape& input, uint64_t,
                               uint32_t) const {
  const std::string name = prefix + ".scale";
  store.set(name, constant(store.entry(name).data.dtype(), {input.elements()},
                           std::numeric_limits<double>::quiet_NaN()));
}

bool ColumnScaling::fitted(const Store& store, const std::string& prefix) const {
  const Tensor scale = store.get(prefix + ".scale").converted(DType::f64);
  for (const double value : scale.values<double>())
    if (std::isnan(value)) return false;
  return true;
}

void ColumnScaling::fit(Store& store, const std::string& prefix, const Rows& rows) const {
  if (rows.count < 1) throw DataError(name() + ": no rows to learn from");
  const std::vector<Column> columns = learn(rows);
  const DType dtype = store.entry(prefix + ".scale").data.dtype();
  Tensor offsets(DType::f64, {int64_t(columns.size())}), scales = offsets;
  for (size_t j = 0; j < columns.size(); j++) {
    offsets.values<double>()[j] = columns[j].offset;
    scales.values<double>()[j] = reciprocal(columns[j].offset, columns[j].spread, dtype);
  }
  store.set(prefix + "." + offset_, offsets.converted(dtype));
  store.set(prefix + ".scale", scales.converted(dtype));
}

void ColumnScaling::transform(const Store& store, const std::string& prefix, std::span<double> row) const {
  const Tensor offset = store.get(prefix + "." + offset_).converted(DType::f64);
  const Tensor scale = store.get(prefix + ".scale").converted(DType::f64);
  for (size_t j = 0; j < row.size(); j++)
    row[j] = (row[j] - offset.values<double>()[j]) * scale.values<double>()[j];
}

BufferId ColumnScaling::forward(Lowering& lowering, BufferId x) const {
  const Shape row = lowering.row(x), columns{row.elements()};
  const BufferId offset = lowering.state(offset_, columns), scale = lowering.state("scale", columns);
  const BufferId y = lowering.result(row);
  lowering.add("", ScaleSpec{.m = lowering.batch, .n = row.elements(), .dtype = lowering.dtype},
               {x, offset, scale, y});
  return y;
}

BufferId ColumnScaling::backward(Lowering& lowering, BufferId dy, bool need_dx) const {
  if (!need_dx) return no_buffer;
  const Shape row = lowering.row(dy);
  const BufferId dx = lowering.input_gradient(row);
  lowering.add("backward",
               ScaleSpec{.m = lowering.batch, .n = row.elements(), .offset = false, .dtype = lowering.dtype},
               {dy, no_buffer, lowering.state("scale", {row.elements()}), dx});
  return dx;
}

}  // namespace plexus

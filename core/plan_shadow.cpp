#include "plexus/core/plan_shadow.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "plexus/core/error.h"

namespace plexus {

int64_t touched(const Buffer& buffer, int64_t rows) {
  return buffer.batch ? rows * buffer.shape.columns() : buffer.shape.elements();
}

Tensor plain_copy(const Buffer& buffer, const void* data, int64_t rows) {
  Tensor plain(buffer.dtype, buffer.shape);
  const size_t bytes = size_t(touched(buffer, rows)) * size_of(buffer.dtype);
  if (buffer.layout)
    buffer.layout->unpack(data, plain.bytes(), matrix_shape(buffer.shape), buffer.dtype);
  else if (bytes > 0)
    std::memcpy(plain.bytes(), data, bytes);
  return plain;
}

double element(const Tensor& tensor, int64_t i) {
  switch (tensor.dtype()) {
    case DType::f32:
      return tensor.values<float>()[size_t(i)];
    case DType::f64:
      return tensor.values<double>()[size_t(i)];
    case DType::i32:
      return tensor.values<int32_t>()[size_t(i)];
    case DType::i64:
      return double(tensor.values<int64_t>()[size_t(i)]);
    default:
      return double(std::to_integer<int>(tensor.bytes()[i]));
  }
}

Worst compare(const Tensor& got, const Tensor& expected, int64_t count) {
  double largest = 0;
  for (int64_t i = 0; i < count; i++)
    if (const double e = std::abs(element(expected, i)); std::isfinite(e)) largest = std::max(largest, e);
  Worst worst;
  for (int64_t i = 0; i < count; i++) {
    const double g = element(got, i), e = element(expected, i);
    if (g == e || (std::isnan(g) && std::isnan(e))) continue;
    double relative = std::abs(g - e) / (largest > 0 ? largest : 1);
    if (!std::isfinite(relative)) relative = std::numeric_limits<double>::infinity();
    if (relative > worst.relative) worst = {relative, i};
  }
  return worst;
}

Shadow::Shadow(const PreparedProgram& prepared, const Plan::Row& row, const std::vector<void*>& addresses,
               size_t first_slot, int64_t rows)
    : program_(prepared.program), row_(row) {
  for (size_t id = 0; id < program_.buffers().size(); id++)
    if (program_.buffers()[id].role == Role::parameter) program_.set_layout(BufferId(id), nullptr);
  for_each_slot(prepared, first_slot, [&](BufferId id, size_t at, Access) {
    if (copies_.contains(id)) return;
    copies_.emplace(id, addresses[at] ? plain_copy(prepared.program[id], addresses[at], rows)
                                      : Tensor(program_[id].dtype, program_[id].shape));
  });
}

void Shadow::run(const Backend& reference, int64_t rows) {
  for (size_t i = row_.first; i < row_.last; i++) {
    const Claim claim = reference.claim(Run(program_, i, i + 1));
    const auto kernel = claim.count == 1 ? claim.make() : nullptr;
    if (!kernel)
      throw BackendError(to_string(program_.operations()[i].spec) + ": the reference does not have it");
    Tensor workspace(DType::u8, Shape{int64_t(kernel->workspace())});
    std::vector<void*> buffers;
    for (const BufferId id : program_.operations()[i].buffers)
      buffers.push_back(id == no_buffer ? nullptr : copies_.at(id).bytes());
    kernel->run(buffers.data(), {rows, workspace.bytes()});
  }
}

}  // namespace plexus

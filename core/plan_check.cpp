// A plan beside the reference: every row is run twice, and compared.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "plexus/core/error.h"
#include "plexus/core/plan_state.h"

namespace plexus {
namespace {

/// Largest relative difference that PLEXUS_CHECK=reference lets pass, in units of the largest value of the
/// buffer. A kernel that sums K products in another order differs by about sqrt(K) roundings (2^-24): 1e-4
/// leaves room for K = 10^6, while a wrong element, a lost tail or a missing bias shows as 1e-2 or more.
constexpr double check_tolerance = 1e-4;

/// Elements of a buffer that a run of `rows` rows has to do with.
int64_t touched(const Buffer& buffer, int64_t rows) {
  return buffer.batch ? rows * buffer.shape.columns() : buffer.shape.elements();
}

/// A buffer without its layout; of a batch the first `rows` rows, zeros behind: a bound address may have no more.
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

struct Worst {
  double relative = 0;
  int64_t at = 0;
};

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

/// One row of a plan on the reference: plain copies of all it touches, its operations one by one.
class Shadow {
 public:
  Shadow(const PreparedProgram& prepared, const Plan::Row& row, const std::vector<void*>& addresses,
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

  void run(const Backend& reference, int64_t rows) {
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

  /// Calls visit(buffer, position in slots, access) for every slot of the row that has a buffer.
  template <class Visit>
  void for_each_slot(const PreparedProgram& prepared, size_t first_slot, const Visit& visit) const {
    size_t at = first_slot;
    for (size_t i = row_.first; i < row_.last; i++) {
      const Operation& operation = prepared.program.operations()[i];
      for (size_t slot = 0; slot < operation.buffers.size(); slot++, at++)
        if (operation.buffers[slot] != no_buffer)
          visit(operation.buffers[slot], at, operand(operation.spec, slot).access);
    }
  }

  const Tensor& operator[](BufferId id) const { return copies_.at(id); }

 private:
  Program program_;  // without layouts
  const Plan::Row& row_;
  std::map<BufferId, Tensor> copies_;
};

bool holds_nan(const Tensor& values, int64_t count) {
  for (int64_t i = 0; i < count; i++)
    if (std::isnan(element(values, i))) return true;
  return false;
}

}  // namespace

Plan::Difference Plan::check(int64_t rows) {
  State& state = *state_;
  state.begin(rows);
  const PreparedProgram& prepared = *state.prepared;
  Difference difference;
  for (size_t r = 0; r < prepared.rows.size(); r++) {
    const Row& row = prepared.rows[r];
    const size_t first_slot = prepared.steps[r].first_slot;
    Shadow shadow(prepared, row, state.addresses, first_slot, rows);
    prepared.steps[r].kernel->run(&state.addresses[first_slot], state.call);
    if (row.refreshed != no_buffer) continue;
    shadow.run(state.context.reference(), rows);
    shadow.for_each_slot(prepared, first_slot, [&](BufferId id, size_t at, Access access) {
      if (access == Access::in || !state.addresses[at]) return;
      const Buffer& buffer = prepared.program[id];
      const Tensor got = plain_copy(buffer, state.addresses[at], rows);
      const Worst worst = compare(got, shadow[id], touched(buffer, rows));
      if (worst.relative <= difference.relative) return;
      difference.relative = worst.relative;
      difference.where = "row " + std::to_string(r) + " (" + row.spec + " on " + row.backend + "), buffer " +
                         buffer.name + ", element " + std::to_string(worst.at) + ": " +
                         std::to_string(element(got, worst.at)) + ", reference " +
                         std::to_string(element(shadow[id], worst.at));
    });
  }
  return difference;
}

void Plan::run_checked(int64_t rows) {
  State& state = *state_;
  if (state.context.policies().check == Check::reference) {
    const Difference difference = check(rows);
    if (difference.relative > check_tolerance)
      throw BackendError("check against the reference: " + difference.where);
    return;
  }
  const PreparedProgram& prepared = *state.prepared;
  for (size_t r = 0; r < prepared.rows.size(); r++) {
    const size_t first_slot = prepared.steps[r].first_slot;
    prepared.steps[r].kernel->run(&state.addresses[first_slot], state.call);
    const Row& row = prepared.rows[r];
    size_t at = first_slot;
    for (size_t i = row.first; i < row.last; i++) {
      const Operation& operation = prepared.program.operations()[i];
      for (size_t slot = 0; slot < operation.buffers.size(); slot++, at++) {
        if (!state.addresses[at] || operand(operation.spec, slot).access == Access::in) continue;
        const Buffer& buffer = prepared.program[operation.buffers[slot]];
        if (holds_nan(plain_copy(buffer, state.addresses[at], rows), touched(buffer, rows)))
          throw Error("check for NaN: " + row.spec + " on " + row.backend + " (" + operation.label +
                      ") wrote NaN into " + buffer.name);
      }
    }
  }
}

}  // namespace plexus

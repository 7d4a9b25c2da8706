#include "plexus/core/plan_look.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <sstream>
#include <type_traits>

#include "plexus/core/random.h"

namespace plexus {
namespace {

/// Inputs changed by this much, relatively, change right results by more than the rounding of any kernel does: f32 sums of
/// a thousand terms lose two or three bits of 24. Eight times what four draws show is a bound
/// that no right kernel meets.
constexpr double relative_change = 0x1p-20, relative_change_f64 = 0x1p-49, most_changes = 8;
constexpr uint32_t draws = 4;
/// Of what a loss works with (probabilities of size one, logits): small losses and gradients are differences of those, rounded
/// on the way. Some sixty roundings of f32.
constexpr double loss_rounding = 0x1p-18;
/// Denormal numbers have few digits left, and some backends flush them.
constexpr double least = std::numeric_limits<float>::min();

void change(Tensor& tensor, RandomStream random) {
  const auto each = [&](auto values, double by) {
    for (size_t i = 0; i < values.size(); i++) {
      using T = std::remove_reference_t<decltype(values[0])>;
      values[i] = T(double(values[i]) * (random.uniform(i) < 0.5 ? 1 - by : 1 + by));
    }
  };
  if (tensor.dtype() == DType::f32) each(tensor.values<float>(), relative_change);
  if (tensor.dtype() == DType::f64) each(tensor.values<double>(), relative_change_f64);
}

}  // namespace

Look::Look(const PreparedProgram& prepared, size_t row, const std::vector<void*>& addresses, const Backend& reference,
           int64_t rows)
    : prepared_(prepared),
      row_(prepared.rows[row]),
      number_(row),
      addresses_(addresses),
      first_slot_(prepared.steps[row].first_slot),
      reference_(reference),
      rows_(rows),
      shadow_(prepared, row_, addresses, first_slot_, rows),
      before_(shadow_) {
  shadow_.run(reference, rows);
}

Plan::Difference Look::compare_with_kernel() const {
  Plan::Difference difference;
  for_each_output([&](BufferId id, void* address) {
    if (difference.wrong) return;
    const Buffer& buffer = prepared_.program[id];
    const Tensor got = plain_copy(buffer, address, rows_);
    const Worst worst = compare(got, shadow_[id], touched(buffer, rows_));
    Plan::Difference found;
    if (worst.relative > check_tolerance) found = judge(id, got);
    if (!found.wrong && worst.relative <= difference.relative) return;
    if (!found.wrong) found.where = place(id, worst.at, got);
    found.relative = std::max(difference.relative, worst.relative);
    difference = found;
  });
  return difference;
}

/// "buffer 0.z, element 17: 1.5, reference 1.25"
std::string Look::place(BufferId id, int64_t at, const Tensor& got) const {
  std::ostringstream text;
  text << "buffer " << prepared_.program[id].name << ", element " << at << ": " << element(got, at) << ", reference "
       << element(shadow_[id], at);
  return text.str();
}

/// The reference's results where the kernel's would be.
void Look::replace() const {
  for_each_output([&](BufferId id, void* address) {
    const Buffer& buffer = prepared_.program[id];
    const Tensor& right = shadow_[id];
    if (!buffer.layout) {
      if (const size_t bytes = size_t(touched(buffer, rows_)) * size_of(buffer.dtype); bytes > 0)
        std::memcpy(address, right.bytes(), bytes);
      return;
    }
    buffer.layout->pack(right.bytes(), address, matrix_shape(buffer.shape), buffer.dtype);
    if (buffer.role == Role::parameter)
      buffer.layout->refresh(address, matrix_shape(buffer.shape), buffer.dtype);
  });
}

/// What looks wrong may be what is left where terms cancel, or a decision that hangs by a bit: right is also what
/// slightly different inputs would give.
Plan::Difference Look::judge(BufferId id, const Tensor& got) const {
  const Tensor& expected = shadow_[id];
  const int64_t count = touched(prepared_.program[id], rows_);
  std::vector<double> spread(size_t(count), 0.0);
  for (uint32_t draw = 0; draw < draws; draw++) {
    Shadow other = before_;
    for (auto& [copied, tensor] : other.copies())
      change(tensor, RandomStream(number_, Purpose::user, uint32_t(copied) * draws + draw));
    other.run(reference_, rows_);
    for (int64_t i = 0; i < count; i++)
      spread[size_t(i)] = std::max(spread[size_t(i)], std::abs(element(other[id], i) - element(expected, i)));
  }
  double largest = 0;
  for (int64_t i = 0; i < count; i++)
    if (const double e = std::abs(element(expected, i)); std::isfinite(e)) largest = std::max(largest, e);
  const double rounding = loss_rounding * size_within_loss(id);
  Plan::Difference difference;
  double worst = 1;
  for (int64_t i = 0; i < count; i++) {
    const double g = element(got, i), e = element(expected, i);
    if (g == e || (std::isnan(g) && std::isnan(e))) continue;
    const double bound = check_tolerance * (largest > 0 ? largest : 1) + most_changes * spread[size_t(i)] + rounding + least;
    const bool finite = std::isfinite(g) && std::isfinite(e);
    if (!finite && !row_.deviations.empty()) continue;  // declared: semantics of what is not finite
    const double share = finite ? std::abs(g - e) / bound : std::numeric_limits<double>::infinity();
    if (!(share > worst)) continue;
    worst = share;
    std::ostringstream text;
    text << place(id, i, got) << ", bound " << bound;
    difference = {.wrong = true, .where = text.str()};
  }
  return difference;
}

/// The size of what a loss sums up to this gradient or value; 0 for every other buffer.
double Look::size_within_loss(BufferId id) const {
  enum { prediction, target, class_weights, sample_weights, scale, gradient, value };
  double size = 0;
  for (size_t i = row_.first; i < row_.last; i++) {
    const Operation& operation = prepared_.program.operations()[i];
    if (!std::holds_alternative<LossSpec>(operation.spec)) continue;
    const auto& buffers = operation.buffers;
    const auto largest = [&](size_t slot, double absent) {
      if (buffers[slot] == no_buffer) return absent;
      const Tensor& values = shadow_[buffers[slot]];
      double most = 0;
      for (int64_t j = 0; j < touched(prepared_.program[buffers[slot]], rows_); j++)
        most = std::max(most, std::abs(element(values, j)));
      return most;
    };
    const double weight =
        largest(class_weights, 1) * largest(sample_weights, 1) * largest(scale, 1 / double(std::max<int64_t>(rows_, 1)));
    if (buffers[gradient] == id) size = std::max(size, weight);
    if (buffers[value] == id) size = std::max(size, weight * double(rows_) * (1 + largest(prediction, 0)));
  }
  return std::isfinite(size) ? size : 0;
}

}  // namespace plexus

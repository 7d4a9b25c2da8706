#include "plexus/bench/verification.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <sstream>

#include "plexus/backends/conformance/allowance.h"
#include "plexus/backends/conformance/bounds.h"
#include "plexus/backends/conformance/oracle.h"
#include "plexus/core/error.h"
#include "plexus/core/random.h"

namespace plexus::bench {
namespace {

using conformance::Matrix;
using conformance::Values;

// What the oracle does in a few hundredths of a second.
constexpr int64_t most_products = int64_t(1) << 22;
constexpr int64_t most_elements = int64_t(1) << 16;
// Of a product that is too large: the first, the last, and one between.
constexpr int64_t least_lines = 3;

std::vector<int64_t> all(int64_t size) {
  std::vector<int64_t> positions(size_t(size), 0);
  std::iota(positions.begin(), positions.end(), int64_t(0));
  return positions;
}

/// The first, the last and random ones between, ascending.
std::vector<int64_t> some(int64_t size, int64_t count, uint32_t stream) {
  if (count >= size) return all(size);
  const RandomStream random(1, Purpose::user, stream);
  std::vector<int64_t> positions = {0, size - 1};
  for (uint64_t i = 0; int64_t(positions.size()) < count; i++)
    positions.push_back(int64_t(random.below(uint64_t(size), i)));
  std::sort(positions.begin(), positions.end());
  positions.erase(std::unique(positions.begin(), positions.end()), positions.end());
  return positions;
}

double element(const void* data, DType dtype, int64_t i) {
  switch (dtype) {
    case DType::f32:
      return static_cast<const float*>(data)[i];
    case DType::f64:
      return static_cast<const double*>(data)[i];
    case DType::i32:
      return static_cast<const int32_t*>(data)[i];
    case DType::i64:
      return double(static_cast<const int64_t*>(data)[i]);
    default:
      throw ArgumentError("verification: no benchmark has operands of type " + std::string(to_string(dtype)));
  }
}

Matrix gather(const void* data, const Operand& o, const std::vector<int64_t>& rows,
              const std::vector<int64_t>& columns) {
  Matrix result(int64_t(rows.size()), int64_t(columns.size()));
  size_t i = 0;
  for (const int64_t row : rows)
    for (const int64_t column : columns)
      result.values[i++] = element(data, o.dtype, row * o.stride + column);
  return result;
}

/// Which rows and columns of an operand the block of the results depends on.
template <class Block>
Block needed(const Spec& spec, size_t slot, const Block& block) {
  const Operand o = operand(spec, slot);
  if (const auto* s = std::get_if<MatmulSpec>(&spec)) {
    if (slot == 0) return s->form == Form::tn ? Block{all(s->k), block.rows} : Block{block.rows, all(s->k)};
    if (slot == 1)
      return s->form == Form::nt ? Block{block.columns, all(s->k)} : Block{all(s->k), block.columns};
    return {slot == 2 ? all(1) : block.rows, block.columns};
  }
  return std::visit(
      [&](const auto& s) -> Block {
        Block result{all(o.rows), all(o.columns)};
        if constexpr (requires { s.m, s.n; }) {
          if (o.rows == s.m) result.rows = block.rows;
          if (o.columns == s.n) result.columns = block.columns;
        }
        return result;
      },
      spec);
}

/// The operation on the block alone.
Spec restricted(const Spec& spec, int64_t rows, int64_t columns) {
  return std::visit(
      [&](auto s) -> Spec {
        if constexpr (requires { s.m, s.n; }) s.m = rows, s.n = columns;
        if constexpr (requires { s.layout; }) s.layout = nullptr;
        if constexpr (requires { s.lda; }) s.lda = s.ldb = s.ldc = 0;
        return s;
      },
      conformance::with_rows(spec, -1));
}

/// What an error of an operand becomes: a relu and its gradient (in dy) have slopes of at most 1.
bool passes_errors_on(const Spec& spec, size_t slot) {
  const auto* forward = std::get_if<ActivationSpec>(&spec);
  const auto* backward = std::get_if<ActivationGradientSpec>(&spec);
  return slot == 0 &&
         ((forward && forward->kind == Activation::relu) || (backward && backward->kind == Activation::relu));
}

std::string number(double value) {
  std::ostringstream text;
  text.precision(std::numeric_limits<float>::max_digits10);
  text << value;
  return text.str();
}

}  // namespace

Verification::Verification(const Program& program, std::span<const void* const> data) {
  for (const Block& block : blocks(program.operations()[0].spec)) expect(program, data, block);
}

std::vector<Verification::Block> Verification::blocks(const Spec& spec) {
  if (const auto* s = std::get_if<MatmulSpec>(&spec)) {
    if (s->m * s->n * s->k <= most_products) return {{all(s->m), all(s->n)}};
    const auto lines = [&](int64_t across) { return std::max(least_lines, most_products / (across * s->k)); };
    return {{some(s->m, lines(s->n), 0), all(s->n)}, {all(s->m), some(s->n, lines(s->m), 1)}};
  }
  if (std::holds_alternative<LossSpec>(spec)) {  // the value is a sum over everything
    const auto& s = std::get<LossSpec>(spec);
    return {{all(s.m), all(s.n)}};
  }
  return std::visit(
      [](const auto& s) -> std::vector<Block> {
        if constexpr (requires { s.m, s.n; })
          return {{some(s.m, std::max(least_lines, most_elements / s.n), 0), all(s.n)}};
        return {{all(1), all(1)}};
      },
      spec);
}

void Verification::expect(const Program& program, std::span<const void* const> data, const Block& block) {
  std::map<BufferId, size_t> produced;  // by an earlier operation, which of expected_
  for (const Operation& operation : program.operations()) {
    const Spec spec = restricted(operation.spec, int64_t(block.rows.size()), int64_t(block.columns.size()));
    Values inputs(operation.buffers.size());
    Matrix inherited;  // bounds of what an earlier operation left
    for (size_t slot = 0; slot < inputs.size(); slot++) {
      const BufferId id = operation.buffers[slot];
      if (id == no_buffer || operand(spec, slot).access == Access::out) continue;
      if (const auto at = produced.find(id); at != produced.end()) {
        if (!passes_errors_on(spec, slot))
          throw ArgumentError("verification: " + to_string(spec) + ": no bound behind another operation");
        inputs[slot] = expected_[at->second].values;
        inherited = expected_[at->second].bounds;
        continue;
      }
      const Block part = needed(operation.spec, slot, block);
      inputs[slot] = gather(data[size_t(id)], operand(operation.spec, slot), part.rows, part.columns);
    }
    const auto results = conformance::evaluate(spec, inputs);
    for (size_t slot = 0; slot < results.size(); slot++) {
      const Matrix& values = results[slot].values;
      const BufferId id = operation.buffers[slot];
      if (!values.present || id == no_buffer) continue;
      Matrix bounds(values.rows, values.columns);
      for (size_t i = 0; i < values.values.size(); i++)
        bounds.values[i] =
            conformance::tolerance(spec, slot, values.values[i], results[slot].magnitudes.values[i]) +
            (inherited.present ? inherited.values[i] : 0);
      produced[id] = expected_.size();
      const Block part = needed(operation.spec, slot, block);
      expected_.push_back({spec, slot, id, operand(operation.spec, slot).stride, part.rows, part.columns,
                           inputs, values, std::move(bounds)});
    }
  }
}

std::string Verification::compare(std::span<const void* const> data, const Deviations& declared) const {
  std::string worst;
  double worst_share = 0;
  int64_t wrong = 0, looked_at = 0;
  for (const Expected& e : expected_) {
    if (!data[size_t(e.buffer)]) continue;  // between two operations
    const Operand o = operand(e.spec, e.slot);
    const Deviations deviations = declared.of(e.spec);
    for (int64_t i = 0; i < e.values.rows; i++) {
      for (int64_t j = 0; j < e.values.columns; j++) {
        const int64_t row = e.rows[size_t(i)], column = e.columns[size_t(j)];
        const double actual = element(data[size_t(e.buffer)], o.dtype, row * e.stride + column);
        const double expected = e.values(i, j), error = std::fabs(actual - expected);
        const double bound = conformance::widened(deviations, e.bounds(i, j), expected);
        looked_at++;
        if (error <= bound) continue;
        if (conformance::excused(deviations, e.spec, e.slot, e.inputs, i, j,
                                 conformance::rounded(expected, o.dtype), actual))
          continue;
        wrong++;
        const double share =
            std::isnan(error) || bound == 0 ? std::numeric_limits<double>::infinity() : error / bound;
        if (!worst.empty() && !(share > worst_share)) continue;
        worst_share = share;
        worst = std::string(slots(e.spec)[e.slot].name) + "[" + std::to_string(row) + "," +
                std::to_string(column) + "] is " + number(actual) + ", expected " + number(expected) +
                " (error " + number(error) + ", bound " + number(bound);
      }
    }
  }
  if (worst.empty()) return "";
  return worst + "; " + std::to_string(wrong) + " of " + std::to_string(looked_at) + " elements wrong)";
}

}  // namespace plexus::bench

// The whole step of a dense layer's parameters as one kernel: weight gradient, bias gradient, optimizer
// steps. Gradients live in the registers of a tile, or for some rows of one panel in the first-level cache, and are never
// written to memory; every element goes through the same operations as in the kernels of its own, in the same order, and
// gets the same bits.
#include <algorithm>

#include "plexus/backends/simd/matmul.h"
#include "plexus/backends/simd/sweep_loops.h"
#include "plexus/backends/simd/update.h"

namespace plexus::simd {
namespace {

// Elements of a gradient that is not used up in registers, made before they are used: 4 KB, and as much for the parameter and each
// of two states. Of a panel these are 32 rows, and the rows of a beside them take 4 KB for every 32 of the
// batch.
constexpr int64_t step_elements = 1024;

// Elements of b whose columns are summed up for the biases all at once: 16 KB, half of the first-level cache. More are summed panel
// by panel, each while it is there.
constexpr int64_t summed_elements = 4096;

/// Where the operations of the run are, and where their addresses begin.
struct Operations {
  size_t count = 0;
  const MatmulSpec* product = nullptr;
  const UpdateSpec *weights = nullptr, *biases = nullptr;  ///< biases null: the layer has none
  size_t weights_at = 0, biases_at = 0;
};

class WeightStep final : public Matmul {
 public:
  WeightStep(const MatmulSpec& product, const UpdateSpec& weights, const UpdateSpec* biases,
             size_t weights_at, size_t biases_at, const Machine& machine)
      : Matmul(product, {}, true, machine),
        weights_(weights),
        has_biases_(biases != nullptr),
        weights_at_(weights_at),
        biases_at_(biases_at),
        column_sum_(sweep_loops(machine.isa).column_sum),
        updates_(update_loops(machine.isa)),
        stride_(product.layout ? panel : product.n),
        most_rows_(std::min(product.m, step_elements / std::max<int64_t>(stride_, 1))),
        deep_(product.k > most_depth),
        gradients_(scratch_) {
    weight_rule_ = update_rule(weights);
    if (biases) biases_ = *biases, bias_rule_ = update_rule(*biases);
    scratch_ += std::max({(deep_ ? held_ * product.m : most_rows_) * stride_, panel, biases ? std::min(product.n, summed_elements) : 0});
    scratch_ = (scratch_ + 15) / 16 * 16;
  }

  void run(void* const* buffers, const Call& call) const override {
    const Operands o = operands(buffers, call);
    if (o.m == 0 || o.n == 0) return;
    Steps steps{.weight_rule = weight_rule_, .bias_rule = bias_rule_, .weights = whole_stretch(buffers + weights_at_)};
    begin_step(steps.weight_rule, weights_, buffers + weights_at_);
    if (has_biases_) {
      begin_step(steps.bias_rule, biases_, buffers + biases_at_);
      steps.biases = whole_stretch(buffers + biases_at_);
    }
    for_parts(o, grid(o), call.workspace, [&](const Part& part, float* scratch) { step(o, steps, part, scratch); });
  }

 private:
  struct Steps {
    UpdateRule weight_rule, bias_rule;
    UpdateStretch weights, biases = {};
  };

  void step(const Operands& o, const Steps& steps, const Part& part, float* scratch) const;
  // pieces: of a, for the rows of `at`; or null, and a is read where it lies
  void step_rows(const Operands& o, const Steps& steps, const Part& part, const Part& at, const float* pieces, float* copy,
                 float* gradient) const;
  void multiply(const Operands& o, const Part& part, const Part& at, int64_t k0, const float* pieces, float* c, float* copy) const;
  bool in_tiles(const Operands& o, const Steps& steps, int64_t p) const;
  void step_tiles(const Operands& o, const Steps& steps, const Part& part, const Part& at, const float* pieces, float* copy) const;
  int64_t first_element(const Operands& o, const Part& at) const;
  void update(const Operands& o, const Steps& steps, const Part& at, const float* gradient) const;
  void step_biases(const Operands& o, const Steps& steps, int64_t p0, int64_t p1, float* gradient) const;

  UpdateSpec weights_, biases_;
  UpdateRule weight_rule_, bias_rule_;  ///< but for what each step says
  bool has_biases_;
  size_t weights_at_, biases_at_;
  decltype(SweepLoops::column_sum) column_sum_;
  const UpdateLoops& updates_;
  int64_t stride_;     ///< elements from a row of the gradient to the next
  int64_t most_rows_;  ///< of a gradient that is held, unless the product is
  bool deep_;          ///< made in several pieces: then that of all panels at hand is
  int64_t gradients_;  ///< floats of scratch before those for a gradient
};

void WeightStep::step(const Operands& o, const Steps& steps, const Part& part, float* scratch) const {
  float* const copy_of_a = copies_a_ ? scratch + held_ * depth_ * panel : nullptr;
  float* const gradients = scratch + gradients_;
  const bool biases = has_biases_ && part.m0 == 0;
  const bool biases_at_once = std::max<int64_t>(o.k, 1) * std::min((part.p1 - part.p0) * panel, o.n) <= summed_elements;
  for (int64_t p0 = part.p0; p0 < part.p1; p0 += held_) {
    const int64_t p1 = std::min(p0 + held_, part.p1);
    const auto gradient_of = [&](int64_t p, int64_t m) { return gradients + ((p - p0) * o.m + m) * stride_; };
    for (int64_t k0 = 0; k0 == 0 || k0 < o.k; k0 += most_depth)
      for (int64_t m0 = part.m0, m1; m0 < part.m1; m0 = m1) {
        m1 = block_end(m0, part.m1);
        // What is made some rows after the other begins anywhere in a piece.
        float* const pieces = deep_ || in_tiles(o, steps, p0) ? copy_of_a : nullptr;
        if (pieces && copies_for(o, part, p0)) copy_a(o, m0, m1, k0, pieces);
        for (int64_t p = p0; p < p1; p++) {
          float* const copy = scratch + (p - p0) * depth_ * panel;
          const Part at{m0, m1, p, p + 1};
          if (deep_)
            multiply(o, part, at, k0, pieces, gradient_of(p, m0), copy);
          else
            step_rows(o, steps, part, at, pieces, copy, gradients);
        }
      }
    for (int64_t p = p0; p < p1; p++) {
      if (deep_) update(o, steps, {part.m0, part.m1, p, p + 1}, gradient_of(p, part.m0));
      if (biases && !biases_at_once) step_biases(o, steps, p, p + 1, gradients);
    }
  }
  if (biases && biases_at_once) step_biases(o, steps, part.p0, part.p1, gradients);
}

/// A block of one panel: its gradient is used up where it is made, or, some rows after the other, while it is in the first-level cache.
void WeightStep::step_rows(const Operands& o, const Steps& steps, const Part& part, const Part& at, const float* pieces, float* copy,
                           float* gradient) const {
  if (in_tiles(o, steps, at.p0)) return step_tiles(o, steps, part, at, pieces, copy);
  for (int64_t m0 = at.m0; m0 < at.m1; m0 += most_rows_) {
    const Part rows{m0, std::min(m0 + most_rows_, at.m1), at.p0, at.p1};
    multiply(o, part, rows, 0, nullptr, gradient, copy);
    update(o, steps, rows, gradient);
  }
}

/// Whether no gradient of the p-th panel need be written, be it only to a cache.
bool WeightStep::in_tiles(const Operands& o, const Steps& steps, int64_t p) const {
  const bool whole = spec_.layout && o.n - p * panel >= panel, plain = steps.weight_rule.clip_value == 0 && steps.weight_rule.l1 == 0;
  return whole && plain && updates_.tiles[size_t(weights_.kind)];
}

void WeightStep::step_tiles(const Operands& o, const Steps& steps, const Part& part, const Part& at, const float* pieces, float* copy) const {
  const float* const b = o.b + at.p0 * panel;
  const bool copies = part.m1 - part.m0 > tiles_.most_rows && o.k > 1;  // one row of b lies in one piece as it is
  if (copies && at.m0 == part.m0) tiles_.copy(b, spec_.ldb, o.k, panel, copy);
  const GradientFactors factors{.left = pieces ? pieces : o.a + at.m0,
                                .right = copies ? copy : b,
                                .left_pieces = pieces != nullptr,
                                .left_stride = spec_.lda,
                                .right_stride = copies ? panel : spec_.ldb,
                                .depth = o.k};
  updates_.tiles[size_t(weights_.kind)](steps.weight_rule, stretch_of(steps.weights, first_element(o, at), (at.m1 - at.m0) * panel), factors);
}

/// What the rows from k0 on of b add to the gradient of a block of one panel, which lies at c.
void WeightStep::multiply(const Operands& o, const Part& part, const Part& at, int64_t k0, const float* pieces, float* c, float* copy) const {
  const int64_t n0 = at.p0 * panel;
  MatmulBlock block;
  block.rows = at.m1 - at.m0;
  block.columns = std::min(panel, o.n - n0);
  block.depth = std::min(most_depth, o.k - k0);
  block.a = pieces ? pieces : o.a + k0 * spec_.lda + at.m0;
  block.a_pieces = pieces != nullptr;
  block.a_stride = spec_.lda;
  block.a_transposed = true;
  block.c = c;
  block.c_stride = stride_;
  block.start = k0 > 0 ? Start::c : Start::zero;
  if (few_columns(o, part.m1 - part.m0)) {
    block.b = o.b + k0 * spec_.ldb + n0;
    block.b_stride = spec_.ldb;
    multiply_few_columns(block);
  } else {
    if (block.depth > 0) place_b(o, part, at.m0, at.p0, k0, block, copy);
    tiles_.multiply(block);
  }
  if (block.columns == stride_) return;
  for (int64_t row = 0; row < block.rows; row++)
    std::fill(block.c + row * stride_ + block.columns, block.c + (row + 1) * stride_, 0.f);
}

/// Of the parameter and its states, as they lie in memory.
int64_t WeightStep::first_element(const Operands& o, const Part& at) const {
  return spec_.layout ? at.p0 * panel * o.m + at.m0 * stride_ : at.m0 * stride_;
}

void WeightStep::update(const Operands& o, const Steps& steps, const Part& at, const float* gradient) const {
  UpdateStretch stretch = stretch_of(steps.weights, first_element(o, at), (at.m1 - at.m0) * stride_);
  stretch.gradient = gradient;
  updates_.of[size_t(weights_.kind)](steps.weight_rule, stretch);
}

/// Those of the panels [p0, p1).
void WeightStep::step_biases(const Operands& o, const Steps& steps, int64_t p0, int64_t p1, float* gradient) const {
  const int64_t n0 = p0 * panel, columns = std::min(p1 * panel, o.n) - n0;
  column_sum_(o.b + n0, spec_.ldb, o.k, columns, false, gradient);
  UpdateStretch stretch = stretch_of(steps.biases, n0, columns);
  stretch.gradient = gradient;
  updates_.of[size_t(biases_.kind)](steps.bias_rule, stretch);
}

/// What the updates of the run write is used nowhere else in it: elements can be updated in any order.
bool apart(const Run& run) {
  const auto uses = [&](BufferId buffer) {
    int64_t count = 0;
    for (size_t i = 0; i < run.size(); i++)
      count += std::count(run[i].buffers.begin(), run[i].buffers.end(), buffer);
    return count;
  };
  for (size_t i = 0; i < run.size(); i++) {
    if (!run.get<UpdateSpec>(i)) continue;
    for (const size_t slot : {0, 2, 3})  // parameter, first, second
      if (const BufferId written = run.buffer(i, slot); written != no_buffer && uses(written) > 1)
        return false;
  }
  return true;
}

/// The operations of the run from its front; count 0 where they are not wired as a layer's parameters are.
Operations operations_of(const Run& rest) {
  Operations found;
  found.product = rest.get<MatmulSpec>(0);
  const MatmulSpec* product = found.product;
  if (!product || !Matmul::supports(*product) || product->form != Form::tn || product->accumulate ||
      product->bias)
    return {};
  if (!product->layout && product->n > panel) return {};  // an update needs its rows one behind the other
  const BufferId gradient = rest.buffer(0, 3);
  size_t at = 1, addresses = std::size(MatmulSpec::slots);
  const auto* sum = rest.get<ReduceSpec>(at);
  if (sum) {
    if (sum->kind != Reduction::column_sum || sum->dtype != DType::f32 || sum->accumulate ||
        (sum->batch == Batch::m) != (product->batch == Batch::k) || rest.buffer(at, 0) != rest.buffer(0, 1))
      return {};
    addresses += std::size(ReduceSpec::slots);
    at++;
  }
  const auto updates = [&](size_t i, BufferId buffer) {
    const auto* update = rest.get<UpdateSpec>(i);
    return update && update->dtype == DType::f32 && rest.buffer(i, 1) == buffer ? update : nullptr;
  };
  found.weights = updates(at, gradient);
  found.weights_at = addresses;
  if (!found.weights || found.weights->layout != product->layout) return {};
  at++;
  if (sum) {
    found.biases = updates(at, rest.buffer(1, 1));
    found.biases_at = addresses + std::size(UpdateSpec::slots);
    if (!found.biases) return {};
    at++;
  }
  // Gradients that somebody reads must be written.
  const Run run = rest.prefix(at);
  if (!run.internal(gradient) || (sum && !run.internal(rest.buffer(1, 1))) || !apart(run)) return {};
  found.count = at;
  return found;
}

}  // namespace

Claim claim_weight_step(const Run& rest, const Machine& machine) {
  const Operations found = operations_of(rest);
  if (found.count == 0) return {};
  return {found.count, [found, &executor = machine.executor, isa = machine.isa] {
            return std::make_unique<const WeightStep>(*found.product, *found.weights, found.biases,
                                                      found.weights_at, found.biases_at,
                                                      Machine{executor, isa});
          }};
}

}  // namespace plexus::simd

// Matrix products: cut into blocks for the threads, each block into panels of b, each panel into tiles. Every element of c is
// one chain of fused multiply-adds in ascending k, whoever computes it: the cuts change no bit.
#include <algorithm>
#include <vector>

#include "plexus/backends/simd/matmul.h"
#include "plexus/core/limits.h"

namespace plexus::simd {
namespace {

// Elements of c that the second operation is done on all at once, whole rows where there is one part: a block of 64 KB is still in the
// second-level cache then, and often in the first. Panel by panel it is many short rows: up to a sixth more time for shallow products.
constexpr int64_t finished_elements = 16384;

// Rows of c from which on lanes along them are filled: a square of AVX-512 has 16.
constexpr int64_t narrow_rows = 12;

// Rows of a transposed c that are held: 32 KB with a panel's 32 columns. As many of b are multiplied with, up to so deep: 512 KB,
// which stay in the second-level cache for the next columns of c, if there are any.
constexpr int64_t transposed_rows = 256, transposed_depth = 512;

// Of several threads each transposes a: it pays where b has so many times more elements than a and c. Where b is trained they
// transpose b: what another core has written comes from there faster in sweeps than row by row. For 32 rows of 1024 x 1024 two of them
// took a fifth less time.
constexpr int64_t shared_ratio = 4;

// Lanes run along the rows of a then. A vector of which half is empty costs as much as transposing b: with AVX2 and b of 1028 x 304, 20 and
// 28 rows took 0.88 and 0.96 of the time on b transposed, 18 and 50 rows 0.80 and 0.92; 30 rows took 1.02.
constexpr int64_t empty_lanes = 2;

// Bounds of the second-level caches that blocks of a are made for. Where it has 512 KB (EPYC 7001), blocks for one of 1 MB took up to a
// fifth more time in weight gradients; larger ones than 1 MB were not found to need larger blocks.
constexpr double least_l2 = 256 << 10, most_l2 = 1 << 20;

}  // namespace

int64_t Matmul::a_elements() {
  static const int64_t elements = [] {
    const auto sizes = cache_sizes();
    const auto l2 = sizes.find("l2");
    return int64_t((l2 == sizes.end() ? least_l2 : std::clamp(l2->second, least_l2, most_l2)) / 2 / sizeof(float));
  }();
  return elements;
}

Matmul::Matmul(const MatmulSpec& spec, const Epilogue& epilogue, bool trained, const Machine& machine)
    : spec_(spec),
      epilogue_(epilogue),
      trained_(trained),
      executor_(machine.executor),
      isa_(machine.isa),
      tiles_(matmul_tiles(machine.isa)),
      narrow_(matmul_narrow(machine.isa)),
      loops_(activation_loops(machine.isa)) {
  spec_.lda = operand(spec, 0).stride;
  spec_.ldb = operand(spec, 1).stride;
  spec_.ldc = operand(spec, 3).stride;
  depth_ = std::min(most_depth, spec_.k);
  height_ = rows_at_once(spec_, depth_);
  held_ = packs() ? held(spec_, height_) : 0;
  copies_a_ = copies_a(spec_);
  if (copies_a_) height_ = height_ / tiles_.most_rows * tiles_.most_rows;  // in whole pieces
  if (epilogue_.kind != Epilogue::Kind::none && epilogue_.activation == Activation::relu && spec_.ldc == spec_.n)
    then_ = epilogue_.kind == Epilogue::Kind::activation ? Then::relu : Then::relu_gradient;
  alone_ = executor_.threads() == 1 || threads_worth(spec_.m, spec_.n, spec_.k) < 2;
  scratch_ = held_ * depth_ * panel + (copies_a_ ? std::min(spec_.m, most_height()) * depth_ : 0);
  if (spec_.form == Form::nt) scratch_ = std::max(scratch_, (depth_ + transposed_rows) * panel);
}

Matmul::Operands Matmul::operands(void* const* buffers, const Call& call) const {
  Operands o;
  o.m = true_size(spec_.m, spec_.batch == Batch::m, call);
  o.n = spec_.n;
  o.k = true_size(spec_.k, spec_.batch == Batch::k, call);
  o.a = static_cast<const float*>(buffers[0]);
  o.b = static_cast<const float*>(buffers[1]);
  o.bias = static_cast<const float*>(buffers[2]);
  o.c = static_cast<float*>(buffers[3]);
  // The second operation's addresses follow: activation (x, y), gradient (dy, saved, dx).
  if (epilogue_.kind == Epilogue::Kind::activation) {
    o.y = static_cast<float*>(buffers[5]);
  } else if (epilogue_.kind == Epilogue::Kind::gradient) {
    o.saved = static_cast<const float*>(buffers[5]);
    o.y = static_cast<float*>(buffers[6]);
  }
  o.y_stride = spec_.n;
  if (!o.c) o.c = o.y;  // nobody reads c itself: the chains rest where the result goes
  return o;
}

void Matmul::run(void* const* buffers, const Call& call) const {
  const Operands o = operands(buffers, call);
  if (o.m == 0 || o.n == 0) return;
  const bool few = spec_.form == Form::nt && o.m <= narrow_.most_rows;
  const Grid cuts = grid(o);
  const bool transposed = !few && transposes_a(o, cuts);
  for_parts(o, cuts, call.workspace, [&](const Part& part, float* scratch) {
    few ? multiply_few_rows(o, part) : transposed ? multiply_transposed(o, part, scratch) : multiply(o, part, scratch);
  });
}

void Matmul::place_b(const Operands& o, const Part& part, int64_t m0, int64_t p, int64_t k0, MatmulBlock& block,
                     float* copy) const {
  const int64_t n0 = p * panel;
  const bool there = m0 > part.m0;  // the copy
  block.packed = nullptr;
  block.b_stride = panel;
  if (spec_.form == Form::nn && spec_.layout) {
    block.b = o.b + n0 * o.k + k0 * panel;
    if (p + 1 < part.p1) block.next = block.b + o.k * panel;
    return;
  }
  block.b = copy;
  if (there) return;
  if (spec_.form == Form::nt) {
    if (!spec_.layout) return tiles_.transpose(o.b + n0 * spec_.ldb + k0, spec_.ldb, block.depth, block.columns, copy);
    for (int64_t k = k0; k < k0 + block.depth; k += panel)  // k0 is a multiple of a panel
      tiles_.transpose(o.b + k * o.n + n0 * panel, panel, std::min(panel, k0 + block.depth - k), block.columns,
                       copy + (k - k0) * panel);
    return;
  }
  const float* const b = o.b + k0 * spec_.ldb + n0;
  // The last panel may not be whole: nothing behind its columns may be read.
  if (block.columns < panel) return tiles_.copy(b, spec_.ldb, block.depth, block.columns, copy);
  block.b = b;
  block.b_stride = spec_.ldb;
  if (part.m1 - part.m0 > tiles_.most_rows) block.packed = copy;
}

/// b is not worth a copy: it is used once, or its columns fill too little of a vector.
bool Matmul::few_columns(const Operands& o, int64_t rows) const {
  if (spec_.form == Form::nt || spec_.layout) return false;
  return o.n <= (spec_.form == Form::tn ? narrow_.most_columns : narrow_.most_columns_of_squares) && rows >= narrow_rows;
}

/// One column whose elements lie one behind the other, a transposed: c^T = b^T a is one row, and a is read as it lies.
void Matmul::multiply_few_columns(const MatmulBlock& block) const {
  if (!block.a_transposed || block.columns > 1 || block.b_stride > 1 || block.c_stride > 1 || block.start == Start::bias)
    return narrow_.few_columns(block);
  MatmulBlock row = block;
  row.rows = 1, row.columns = block.rows;
  row.a = block.b, row.a_transposed = false;
  row.b = block.a, row.b_stride = block.a_stride;
  tiles_.multiply_row(row);
}

/// In a tile c is stored once, but it is stored nowhere else.
Matmul::Second Matmul::second(const Operands& o, const Part& part) const {
  const int64_t rows = part.m1 - part.m0;
  if (then_ != Then::nothing && o.c == o.y && !few_columns(o, rows)) return Second::in_tiles;
  return rows * (std::min(part.p1 * panel, o.n) - part.p0 * panel) <= finished_elements ? Second::on_part : Second::on_blocks;
}

void Matmul::multiply(const Operands& o, const Part& part, float* scratch) const {
  if (spec_.form == Form::nn && part.m1 - part.m0 == 1) return multiply_row(o, part);
  const int64_t group = packs() ? held_ : part.p1 - part.p0;
  const Second second = this->second(o, part);
  float* const copy_of_a = copies_a_ ? scratch + held_ * depth_ * panel : nullptr;
  for (int64_t p = part.p0; p < part.p1; p += group)
    for (int64_t k0 = 0; k0 == 0 || k0 < o.k; k0 += most_depth)
      for (int64_t m0 = part.m0, m1; m0 < part.m1; m0 = m1) {
        m1 = block_end(m0, part.m1);
        if (copy_of_a && copies_for(o, part, p)) copy_a(o, m0, m1, k0, copy_of_a);
        for (int64_t q = p; q < std::min(p + group, part.p1); q++)
          multiply_block(o, part, {m0, m1, q, q + 1}, k0, held_ > 0 ? scratch + (q - p) * depth_ * panel : nullptr, copy_of_a, second);
      }
  if (second == Second::on_part)
    finish(o, part.m0, part.m1 - part.m0, part.p0 * panel, std::min(part.p1 * panel, o.n) - part.p0 * panel);
}

/// Of a transposed a, from k0 on as deep as is worked on at once.
void Matmul::copy_a(const Operands& o, int64_t m0, int64_t m1, int64_t k0, float* pieces) const {
  tiles_.copy_a(o.a + k0 * spec_.lda + m0, spec_.lda, std::min(most_depth, o.k - k0), m1 - m0, pieces);
}

/// What the rows [k0, k0 + most_depth) of b add to a block of one panel. `pieces`: of a, for the rows of the block, or null.
void Matmul::multiply_block(const Operands& o, const Part& part, const Part& at, int64_t k0, float* copy, const float* pieces,
                            Second second) const {
  const bool transposed = spec_.form == Form::tn, panels_of_c = transposed && spec_.layout;
  const int64_t n0 = at.p0 * panel;
  MatmulBlock block;
  block.rows = at.m1 - at.m0;
  block.columns = std::min(panel, o.n - n0);
  block.depth = std::min(most_depth, o.k - k0);
  block.a = pieces ? pieces : transposed ? o.a + k0 * spec_.lda + at.m0 : o.a + at.m0 * spec_.lda + k0;
  block.a_pieces = pieces != nullptr;
  block.a_stride = spec_.lda;
  block.a_transposed = transposed;
  block.c = panels_of_c ? o.c + n0 * o.m + at.m0 * panel : o.c + at.m0 * spec_.ldc + n0;
  block.c_stride = panels_of_c ? panel : spec_.ldc;
  block.start = spec_.accumulate || k0 > 0 ? Start::c : spec_.bias ? Start::bias : Start::zero;
  block.bias = spec_.bias ? o.bias + n0 : nullptr;
  const bool last = k0 + block.depth >= o.k;
  if (last && second == Second::in_tiles && (then_ == Then::relu || block.columns % tiles_.lanes == 0)) {
    block.then = then_;
    if (then_ == Then::relu_gradient) block.saved = o.saved + at.m0 * o.y_stride + n0;
  }
  if (few_columns(o, part.m1 - part.m0)) {
    block.b = o.b + k0 * spec_.ldb + n0;
    block.b_stride = spec_.ldb;
    multiply_few_columns(block);
  } else {
    if (block.depth > 0) place_b(o, part, at.m0, at.p0, k0, block, copy);
    tiles_.multiply(block);
  }
  if (!last) return;
  if (panels_of_c && block.columns < panel)
    for (int64_t row = 0; row < block.rows; row++)
      std::fill(block.c + row * panel + block.columns, block.c + (row + 1) * panel, 0.f);
  if (second != Second::on_part && block.then == Then::nothing) finish(o, at.m0, block.rows, n0, block.columns);
}

/// One row: b is read where it lies.
void Matmul::multiply_row(const Operands& o, const Part& part) const {
  const int64_t n0 = part.p0 * panel;
  MatmulBlock block;
  block.rows = 1;
  block.columns = std::min(part.p1 * panel, o.n) - n0;
  block.depth = o.k;
  block.a = o.a + part.m0 * spec_.lda;
  block.b = o.k == 0 ? nullptr : spec_.layout ? o.b + n0 * o.k : o.b + n0;
  block.b_stride = spec_.ldb;
  block.b_panels = spec_.layout ? o.k * panel : 0;
  block.c = o.c + part.m0 * spec_.ldc + n0;
  block.start = spec_.accumulate ? Start::c : spec_.bias ? Start::bias : Start::zero;
  block.bias = spec_.bias ? o.bias + n0 : nullptr;
  if (o.c == o.y) block.then = then_;
  tiles_.multiply_row(block);
  if (block.then == Then::nothing) finish(o, part.m0, 1, n0, block.columns);
}

/// Form nt, a row or a few: b is read where it lies. For one row its panels are read front to back, one after the other, between
/// which the chains rest in c: a sixth less time; for eight it would be a tenth more.
void Matmul::multiply_few_rows(const Operands& o, const Part& part) const {
  const int64_t n0 = part.p0 * panel, at_once = spec_.layout && part.m1 - part.m0 == 1 ? panel : std::max<int64_t>(o.k, 1);
  MatmulBlock block;
  block.rows = part.m1 - part.m0;
  block.columns = std::min(part.p1 * panel, o.n) - n0;
  block.a_stride = spec_.lda;
  block.b_stride = spec_.layout ? panel : spec_.ldb;
  block.b_jump = spec_.layout ? (o.n - 1) * panel : 0;
  block.c = o.c + part.m0 * spec_.ldc + n0;
  block.c_stride = spec_.ldc;
  block.bias = spec_.bias ? o.bias + n0 : nullptr;
  for (int64_t k = 0; k == 0 || k < o.k; k += at_once) {
    block.depth = std::min(at_once, o.k - k);
    block.a = o.a + part.m0 * spec_.lda + k;
    block.b = o.b + (spec_.layout ? k * o.n : 0) + n0 * block.b_stride;
    block.start = spec_.accumulate || k > 0 ? Start::c : spec_.bias ? Start::bias : Start::zero;
    narrow_.few_rows(block);
  }
  finish(o, part.m0, block.rows, n0, block.columns);
}

/// Form nt multiplies with a transposed b. Where there are fewer elements in a and c, these are transposed instead: c^T = b a^T.
bool Matmul::transposes_a(const Operands& o, const Grid& cuts) const {
  if (spec_.form != Form::nt || spec_.bias || spec_.accumulate || cuts.rows > 1) return false;
  if (cuts.panels > 1 && trained_) return false;
  const int64_t ratio = cuts.panels > 1 ? shared_ratio : 1, empty = (tiles_.lanes - o.m % tiles_.lanes) % tiles_.lanes;
  const int64_t moved = ratio * o.m * (o.k + o.n) + o.n * o.k * empty * empty_lanes / tiles_.lanes;
  return o.k <= (o.m <= panel ? most_depth : transposed_depth) && moved < o.n * o.k;
}

void Matmul::multiply_transposed(const Operands& o, const Part& part, float* scratch) const {
  float* const c = scratch + depth_ * panel;  // [transposed_rows][panel]
  const int64_t first = part.p0 * panel, last = std::min(part.p1 * panel, o.n);
  for (int64_t m0 = 0; m0 < o.m; m0 += panel) {
    for (int64_t n0 = first; n0 < last; n0 += transposed_rows) {
      MatmulBlock block;
      block.rows = std::min(transposed_rows, last - n0);
      block.columns = std::min(panel, o.m - m0);
      block.depth = o.k;
      block.a = spec_.layout ? o.b + n0 * panel : o.b + n0 * spec_.ldb;
      block.a_stride = spec_.layout ? panel : spec_.ldb;
      block.a_jump = spec_.layout ? (o.n - 1) * panel : 0;
      block.b = scratch;
      block.b_stride = panel;
      block.c = c;
      block.c_stride = panel;
      if (n0 == first) tiles_.transpose(o.a + m0 * spec_.lda, spec_.lda, block.depth, block.columns, scratch);
      tiles_.multiply(block);
      float* const to = o.c + m0 * spec_.ldc + n0;
      tiles_.transpose_back(c, block.columns, block.rows, to, spec_.ldc);
      finish(o, m0, block.columns, n0, block.rows);
    }
  }
}

/// The second operation on a block of c that is still in the cache.
void Matmul::finish(const Operands& o, int64_t m0, int64_t rows, int64_t n0, int64_t columns) const {
  if (epilogue_.kind == Epilogue::Kind::none) return;
  const int64_t c_stride = spec_.ldc;
  const float* const c = o.c + m0 * c_stride + n0;
  float* const y = o.y + m0 * o.y_stride + n0;
  const size_t kind = size_t(epilogue_.activation);
  if (c_stride == columns && o.y_stride == columns) columns *= rows, rows = 1;  // no gaps: one long row has one end
  if (epilogue_.kind == Epilogue::Kind::activation)
    return loops_.forward[kind]({rows, columns, c, c_stride, y, o.y_stride, epilogue_.alpha});
  loops_.backward[kind]({rows, columns, c, c_stride, o.saved + m0 * o.y_stride + n0, o.y_stride, y, o.y_stride, epilogue_.alpha});
}

bool Matmul::supports(const MatmulSpec& spec) {
  return spec.a == DType::f32 && spec.b == DType::f32 && spec.c == DType::f32 &&
         (!spec.layout || spec.layout == &panels());
}

namespace {

/// Of the first operations of the run, which begin with a product.
Claim claim(size_t count, const Run& rest, const Epilogue& epilogue, const Machine& machine) {
  const MatmulSpec& spec = *rest.get<MatmulSpec>(0);
  const BufferId weights = rest.buffer(0, spec.form == Form::tn ? 3 : 1);
  const std::vector<Operation>& operations = rest.program().operations();
  const bool trained = std::any_of(operations.begin(), operations.end(), [&](const Operation& operation) {
    // An update's parameter is its first buffer, its gradient the second.
    return std::holds_alternative<UpdateSpec>(operation.spec) && operation.buffers[spec.form == Form::tn ? 1 : 0] == weights;
  });
  return {count, [spec, epilogue, trained, &executor = machine.executor, isa = machine.isa] {
            return std::make_unique<const Matmul>(spec, epilogue, trained, Machine{executor, isa});
          }};
}

}  // namespace

Claim claim_matmul(const Run& rest, const Machine& machine) {
  const auto* matmul = rest.get<MatmulSpec>(0);
  if (!matmul || !Matmul::supports(*matmul)) return {};
  return claim(1, rest, {}, machine);
}

Claim claim_matmul_activation(const Run& rest, const Machine& machine) {
  const auto* matmul = rest.get<MatmulSpec>(0);
  const auto* activation = rest.get<ActivationSpec>(1);
  if (!matmul || !activation || !Matmul::supports(*matmul) || matmul->form != Form::nn || matmul->accumulate) return {};
  if (!elementwise(activation->kind) || rest.buffer(1, 0) != rest.buffer(0, 3)) return {};
  return claim(2, rest, {Epilogue::Kind::activation, activation->kind, float(activation->alpha)}, machine);
}

Claim claim_matmul_activation_gradient(const Run& rest, const Machine& machine) {
  const auto* matmul = rest.get<MatmulSpec>(0);
  const auto* gradient = rest.get<ActivationGradientSpec>(1);
  if (!matmul || !gradient || !Matmul::supports(*matmul) || matmul->form != Form::nt || matmul->accumulate) return {};
  if (!elementwise(gradient->kind) || rest.buffer(1, 0) != rest.buffer(0, 3)) return {};
  return claim(2, rest, {Epilogue::Kind::gradient, gradient->kind, float(gradient->alpha)}, machine);
}

}  // namespace plexus::simd

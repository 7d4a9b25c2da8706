#include "plexus/backends/conformance/cases.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "plexus/backends/conformance/oracle.h"
#include "plexus/backends/conformance/shapes.h"
#include "plexus/core/error.h"
#include "plexus/core/random.h"

namespace plexus::conformance {
namespace {

/// Random choices, one after the other. `index` keeps the spec's choices and those of each slot apart.
class Draw {
 public:
  Draw(uint64_t seed, uint32_t index, Extent extent = Extent::small)
      : random_(seed, Purpose::user, index), extent_(extent) {}

  int64_t below(int64_t bound) { return int64_t(random_.below(uint64_t(bound), position_++)); }
  int64_t between(int64_t low, int64_t high) { return low + below(high - low + 1); }
  bool one_in(int64_t n) { return below(n) == 0; }
  double uniform() { return random_.uniform(position_++); }
  double normal() { return random_.normal(position_++); }
  int64_t size(int64_t limit) { return odd_size(random_, position_++, limit); }
  /// Mostly small: tails and empty sizes matter more than long loops, and cost nothing. Now and then what a kernel may well do in
  /// several pieces.
  int64_t size() {
    const bool long_one = one_in(4);
    return extent_ == Extent::small ? size(!long_one ? 33 : one_in(8) ? 1025 : 129)
                                    : std::max<int64_t>(size(513), long_one ? 255 : 1);
  }
  /// Products of one case: what the oracle does in half a millisecond, or in ten.
  int64_t products() const { return int64_t(1) << (extent_ == Extent::small ? 18 : 22); }
  template <size_t N>
  double pick(const double (&choices)[N]) {
    return choices[below(int64_t(N))];
  }

 private:
  RandomStream random_;
  Extent extent_;
  uint64_t position_ = 0;
};

DType dtype(Draw& draw) { return draw.one_in(3) ? DType::f64 : DType::f32; }
Batch batch(Draw& draw, Batch varying) { return draw.one_in(3) ? Batch::none : varying; }

Spec make_matmul(Draw& draw, Fill) {
  MatmulSpec s;
  s.form = Form(draw.below(3));
  s.m = draw.size();
  s.n = draw.size();
  // Long chains need no wide matrix beside them.
  s.k = draw.size(
      std::min<int64_t>(draw.one_in(8) ? 1025 : 65, draw.products() / std::max<int64_t>(s.m * s.n, 1)));
  s.batch = batch(draw, s.form == Form::tn ? Batch::k : Batch::m);
  s.accumulate = draw.one_in(3);
  s.bias = !s.accumulate && draw.one_in(2);
  s.a = s.b = s.c = dtype(draw);
  if (draw.one_in(4)) {
    s.lda = (s.form == Form::tn ? s.m : s.k) + draw.between(1, 9);
    s.ldb = (s.form == Form::nt ? s.k : s.n) + draw.between(1, 9);
    s.ldc = s.n + draw.between(1, 9);
  }
  return s;
}

template <class S>
Spec make_activation(Draw& draw) {
  S s;
  s.kind = Activation(draw.below(activation_count));
  s.m = draw.size();
  s.n = draw.size();
  if (s.kind == Activation::leaky_relu) s.alpha = draw.pick({0.01, 0.25, 1.0});
  if (s.kind == Activation::elu) s.alpha = draw.pick({1.0, 0.5, 1.7});
  s.batch = batch(draw, Batch::m);
  s.dtype = dtype(draw);
  return s;
}

Spec make_loss(Draw& draw, Fill) {
  LossSpec s;
  s.kind = LossKind(draw.below(loss_count));
  s.m = draw.size();
  s.n = std::max<int64_t>(draw.size(), 1);
  if (s.kind == LossKind::huber) s.delta = draw.pick({1.0, 0.3, 2.0});
  s.gradient = !draw.one_in(4);
  const bool classes =
      s.kind == LossKind::softmax_cross_entropy || s.kind == LossKind::softmax_cross_entropy_one_hot;
  s.class_weights = classes && draw.one_in(2);
  s.sample_weights = draw.one_in(3);
  s.batch = batch(draw, Batch::m);
  s.dtype = dtype(draw);
  return s;
}

Spec make_dropout(Draw& draw, Fill fill) {
  DropoutSpec s;
  s.m = draw.size();
  s.n = draw.size();
  s.rate = float(fill == Fill::exact ? draw.pick({0.0, 0.5, 0.75}) : draw.pick({0.0, 0.1, 0.2, 0.5, 0.9}));
  s.stream = uint32_t(draw.one_in(8) ? (1 << 24) - 1 : draw.below(5));
  s.batch = batch(draw, Batch::m);
  s.dtype = dtype(draw);
  return s;
}

Spec make_reduce(Draw& draw, Fill) {
  if (draw.one_in(16)) {
    ClipSpec clip;
    clip.limit = draw.pick({0.5, 1.0, 5.0});
    clip.dtype = dtype(draw);
    return clip;
  }
  ReduceSpec s;
  s.kind = Reduction(draw.below(reduction_count));
  s.m = draw.size();
  s.n = std::max<int64_t>(draw.size(), s.kind == Reduction::argmax);
  s.accumulate = s.kind != Reduction::argmax && draw.one_in(3);
  s.batch = batch(draw, Batch::m);
  s.dtype = dtype(draw);
  return s;
}

Spec make_scale(Draw& draw, Fill) {
  ScaleSpec s;
  s.m = draw.size();
  s.n = draw.size();
  s.offset = !draw.one_in(3);
  s.batch = batch(draw, Batch::m);
  s.dtype = dtype(draw);
  return s;
}

Spec make_update(Draw& draw, Fill fill) {
  if (draw.one_in(10)) {
    MaxNormSpec s;
    s.m = draw.size();
    s.n = draw.size();
    s.limit = draw.pick({0.5, 2.0, 16.0});
    s.dtype = dtype(draw);
    return s;
  }
  UpdateSpec s;
  const bool halves = fill == Fill::exact;  // powers of two: no product rounds
  s.kind = UpdateKind(draw.below(update_count));
  s.m = draw.size();
  s.n = draw.size();
  if ((s.kind == UpdateKind::sgd || s.kind == UpdateKind::rmsprop) && draw.one_in(2))
    s.momentum = halves ? 0.5 : 0.9;
  s.nesterov = s.kind == UpdateKind::sgd && s.momentum > 0 && draw.one_in(2);
  if (draw.one_in(2)) s.weight_decay = halves ? 0.25 : 0.01;
  if (s.has_moments()) s.beta1 = draw.pick({0.9, 0.0, 0.5});
  if (s.has_moments() || s.kind == UpdateKind::rmsprop || s.kind == UpdateKind::adadelta)
    s.beta2 = draw.pick({0.999, 0.99, 0.5});
  if (s.kind != UpdateKind::sgd) s.epsilon = draw.pick({1e-8, 1e-3});
  if (s.kind == UpdateKind::nadam) s.momentum_decay = draw.pick({0.004, 0.0, 0.5});
  if (draw.one_in(4)) s.l1 = halves ? 0.5 : 0.03;
  if (draw.one_in(4)) s.l2 = halves ? 0.125 : 0.02;
  if (draw.one_in(4)) s.clip_value = halves ? 4 : draw.pick({0.5, 1.0, 10.0});
  s.dtype = dtype(draw);
  return s;
}

struct Generator {
  std::string family;
  Spec (*make)(Draw&, Fill);
};

const std::vector<Generator>& generators() {
  static const std::vector<Generator> table = {
      {"matmul", make_matmul},
      {"activation",
       [](Draw& draw, Fill) {
         return draw.one_in(2) ? make_activation<ActivationSpec>(draw)
                               : make_activation<ActivationGradientSpec>(draw);
       }},
      {"loss", make_loss},
      {"dropout", make_dropout},
      {"reduce", make_reduce},
      {"scale", make_scale},
      {"update", make_update},
  };
  return table;
}

/// How far apart the values of one case lie: drawn once, so that a whole case is large or small.
double magnitude(Draw& draw, const Spec& spec) {
  if (std::holds_alternative<MatmulSpec>(spec))
    return draw.one_in(16) ? 0x1p-70  // products are denormal in f32
                           : std::exp2(double(draw.between(-10, 10)));
  return draw.pick({1.0, 1.0, 1e-3, 5.0, 20.0, 90.0});
}

/// Families in which infinity - infinity and 0 * infinity arise the same way in every order of evaluation.
bool takes_special(const Spec& spec) {
  return !std::holds_alternative<ActivationGradientSpec>(spec) && !std::holds_alternative<LossSpec>(spec) &&
         !std::holds_alternative<UpdateSpec>(spec) && !std::holds_alternative<MaxNormSpec>(spec);
}

double special_value(Draw& draw) {
  const double infinity = std::numeric_limits<double>::infinity();
  switch (draw.below(6)) {
    case 0: return std::numeric_limits<double>::quiet_NaN();
    case 1: return infinity;
    case 2: return -infinity;
    case 3: return 0.0;
    case 4: return -0.0;
    default: return 0x1p-140;
  }
}

Matrix random_matrix(Draw& draw, const Case& c, int64_t rows, int64_t columns, DType dtype, double scale) {
  Matrix matrix(rows, columns);
  // A case with one special value in it shows where it leaks to; one with many shows nothing but NaN.
  const int64_t special = c.fill == Fill::special && takes_special(c.spec) ? std::max<int64_t>(rows * columns / 3, 4) : 0;
  for (double& value : matrix.values) {
    if (c.fill == Fill::exact)
      value = double(draw.between(-8, 8));
    else if (special > 0 && draw.one_in(special))
      value = special_value(draw);
    else
      value = rounded(scale * draw.normal(), dtype);
  }
  return matrix;
}

template <class F>
void map(Matrix& matrix, DType dtype, F f) {
  for (double& value : matrix.values) value = rounded(double(f(value)), dtype);
}

// What a family wants changed in operands drawn from the whole line; most want nothing.
template <class S>
void adapt(const S&, const Spec&, Draw&, Values&) {}

void adapt(const ActivationGradientSpec& s, const Spec& spec, Draw&, Values& values) {
  if (!gradient_from_result(s.kind)) return;
  const auto& g = std::get<ActivationGradientSpec>(spec);
  const ActivationSpec forward{g.kind, g.m, g.n, g.alpha, Batch::none, g.dtype};
  Matrix result = evaluate(forward, {values[1], {}})[1].values;
  map(result, s.dtype, [](double y) { return y; });
  values[1] = std::move(result);
}

void adapt(const LossSpec& s, const Spec&, Draw& draw, Values& values) {
  Matrix& target = values[1];
  switch (s.kind) {
    case LossKind::softmax_cross_entropy:
      for (double& label : target.values) label = double(draw.below(s.n));
      break;
    case LossKind::softmax_cross_entropy_one_hot:
      for (int64_t i = 0; i < target.rows; ++i) {
        const bool soft = draw.one_in(4);  // label smoothing: every class has its share
        const int64_t label = draw.below(s.n);
        for (int64_t j = 0; j < s.n; ++j)
          target(i, j) = soft ? rounded(1.0 / double(s.n), s.dtype) : double(j == label);
      }
      break;
    case LossKind::binary_cross_entropy:
      for (double& label : target.values) label = draw.one_in(4) ? draw.uniform() : double(draw.below(2));
      break;
    case LossKind::mse: case LossKind::mae: case LossKind::huber: break;
  }
  for (size_t slot : {2, 3, 4}) map(values[slot], s.dtype, [](double w) { return std::fabs(w); });
}

void adapt(const DropoutSpec&, const Spec&, Draw& draw, Values& values) {
  // Up to 2^53: Values are doubles. Negative seeds and steps near 2^32 are where a kernel may lose bits.
  values[1].values[0] = double(draw.between(-(int64_t(1) << 53), int64_t(1) << 53));
  values[2].values[0] = double(draw.one_in(4) ? (int64_t(1) << 32) - 1 : draw.below(1000));
}

void adapt(const ReduceSpec& s, const Spec&, Draw&, Values& values) {
  if (s.kind == Reduction::sum_squares) map(values[1], DType::f64, [](double y) { return std::fabs(y); });
}

void adapt(const ClipSpec&, const Spec&, Draw&, Values& values) {
  map(values[0], DType::f64, [](double y) { return y * y; });
}

void adapt(const UpdateSpec& s, const Spec&, Draw& draw, Values& values) {
  map(values[3], s.dtype, [](double v) { return std::fabs(v); });
  if (s.kind == UpdateKind::adadelta) map(values[2], s.dtype, [](double u) { return std::fabs(u); });
  map(values[4], s.dtype, [&](double) { return draw.pick({0.25, 0.125, 0.5}); });
  if (values[5].present) values[5].values[0] = double(draw.one_in(2) ? draw.between(1, 3) : draw.below(5000) + 1);
  map(values[6], s.dtype, [&](double) { return draw.pick({0.5, 1.0, 0.25}); });
}

int64_t varying_size(const Spec& spec) {
  return std::visit(
      [](const auto& s) -> int64_t {
        if constexpr (requires { s.batch; }) {
          if (s.batch == Batch::m) return s.m;
          if constexpr (requires { s.k; })
            if (s.batch == Batch::k) return s.k;
        }
        return -1;
      },
      spec);
}

bool zero_or_power_of_two(double x) {
  int exponent;
  return x == 0 || std::frexp(x, &exponent) == 0.5;
}

}  // namespace

std::span<const std::string> families() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> result;
    for (const Generator& generator : generators()) result.push_back(generator.family);
    return result;
  }();
  return names;
}

std::string to_string(Fill fill) {
  switch (fill) {
    case Fill::exact: return "exact";
    case Fill::real: return "real";
    case Fill::special: return "special";
  }
  return "?";
}

std::string to_string(Placement placement) {
  switch (placement) {
    case Placement::aligned: return "aligned";
    case Placement::misaligned: return "misaligned";
    case Placement::before_guard: return "before a guard page";
    case Placement::after_guard: return "after a guard page";
  }
  return "?";
}

std::string to_string(const Case& c) {
  std::string line = family(c.spec) + " " + to_string(c.fill) + " " + std::to_string(c.seed) + ": " +
                     plexus::to_string(c.spec);
  if (c.rows >= 0) line += " rows " + std::to_string(c.rows);
  return line + ", " + to_string(c.placement);
}

Case make_case(const std::string& family, Fill fill, uint64_t seed, Extent extent) {
  for (const Generator& generator : generators()) {
    if (generator.family != family) continue;
    Draw draw(seed, 0, extent);
    Case c{generator.make(draw, fill), -1, fill, Placement(draw.below(4)), seed};
    const int64_t maximum = varying_size(c.spec);
    if (maximum >= 0 && !draw.one_in(4)) c.rows = draw.one_in(2) ? maximum : draw.below(maximum + 1);
    return c;
  }
  throw ArgumentError("make_case: no family '" + family + "'");
}

Values make_values(const Case& c) {
  const Spec spec = with_rows(c.spec, c.rows);
  Draw draw(c.seed, 1);
  const double scale = magnitude(draw, spec);
  Values values(slots(spec).size());
  for (size_t slot = 0; slot < values.size(); ++slot) {
    const Operand o = operand(spec, slot);
    if (!o.used || o.access == Access::out || (o.optional && draw.one_in(2))) continue;
    Draw elements(c.seed, 2 + uint32_t(slot));
    values[slot] = random_matrix(elements, c, o.rows, o.columns, o.dtype, scale);
  }
  std::visit([&](const auto& s) { adapt(s, spec, draw, values); }, spec);
  return values;
}

bool exact(const Case& c) {
  if (c.fill != Fill::exact) return false;
  if (const auto* s = std::get_if<ActivationSpec>(&c.spec)) return s->kind == Activation::relu;
  if (const auto* s = std::get_if<ActivationGradientSpec>(&c.spec)) return s->kind == Activation::relu;
  if (const auto* s = std::get_if<DropoutSpec>(&c.spec)) return zero_or_power_of_two(1 - double(s->rate));
  if (const auto* s = std::get_if<UpdateSpec>(&c.spec))
    return s->kind == UpdateKind::sgd && zero_or_power_of_two(s->momentum) && zero_or_power_of_two(s->weight_decay);
  return std::holds_alternative<MatmulSpec>(c.spec) || std::holds_alternative<ReduceSpec>(c.spec) ||
         std::holds_alternative<ScaleSpec>(c.spec);
}

}  // namespace plexus::conformance

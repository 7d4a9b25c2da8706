#include "plexus/backends/simd/targets.h"
// Before Highway, whose targets it names.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "plexus/backends/simd/loss_rows.cpp"
#include <hwy/foreach_target.h>

#include "plexus/backends/simd/loss_rows.h"
#include "plexus/backends/simd/softmax-inl.h"
#include "plexus/backends/simd/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace plexus::simd {
namespace HWY_NAMESPACE {
namespace {

/// What elements contribute: their losses, and the derivatives by the prediction, times 1 / Error::slope_unit.
struct Terms {
  V loss, slope;
};

struct SquaredError {
  static constexpr float slope_unit = 1;
  Terms operator()(V prediction, V target) const {
    const V d = sub(prediction, target);
    return {mul(d, d), add(d, d)};
  }
};
struct AbsoluteError {
  static constexpr float slope_unit = 1;
  Terms operator()(V prediction, V target) const {
    const V d = sub(prediction, target);
    const V sign = select(hn::Gt(d, zero()), set(1), select(hn::Lt(d, zero()), set(-1), d));  // d: 0 or NaN
    return {hn::Abs(d), sign};
  }
};
struct HuberError {
  static constexpr float slope_unit = 1;
  V delta;
  Terms operator()(V prediction, V target) const {
    const V d = sub(prediction, target), size = hn::Abs(d);
    const Mask outside = hn::Gt(size, delta);
    const V line = mul(delta, fnma(delta, set(0.5f), size));
    return {select(outside, line, mul(mul(d, d), set(0.5f))), select(outside, hn::CopySign(delta, d), d)};
  }
};
/// max(z, 0) - z t + ln(1 + e^-|z|): no overflow, no cancellation. Slopes are probabilities, which keep their digits down
/// to 2^-180: a weight may be large.
struct LogisticError {
  static constexpr float slope_unit = wide_unit;
  Terms operator()(V logit, V target) const {
    const V wide = wide_exp(hn::Neg(hn::Abs(logit))), e = mul(wide, set(slope_unit));
    const V probability = hn::Div(select(hn::Lt(logit, zero()), wide, set(1 / slope_unit)), add(e, set(1)));
    return {add(fnma(logit, target, positive_part(logit)), log1p_unit(e)),
            fnma(target, set(1 / slope_unit), probability)};
  }
};

/// The mean over the columns of every row.
template <class Error>
HWY_INLINE void mean_rows(const LossRows& b, const Error& error) {
  const auto* targets = static_cast<const float*>(b.target);
  const float inverse = 1 / float(b.columns);
  for (int64_t row = 0; row < b.rows; row++) {
    const float *prediction = b.prediction + row * b.columns, *target = targets + row * b.columns;
    float* gradient = b.gradient ? b.gradient + row * b.columns : nullptr;
    const float weight = b.scale * (b.sample_weights ? b.sample_weights[row] : 1);
    const V factor = set(weight * inverse * Error::slope_unit);
    FixedSum<16> sum;
    int64_t i = 0;
    for (; i + lanes <= b.columns; i += lanes) {
      const Terms t = error(load(prediction + i), load(target + i));
      sum.add(i, t.loss);
      if (gradient) store(mul(t.slope, factor), gradient + i);
    }
    if (const int64_t rest = b.columns - i; rest > 0) {
      const Terms t = error(load_some(prediction + i, rest), load_some(target + i, rest));
      sum.add(i, hn::IfThenElseZero(hn::FirstN(F(), size_t(rest)), t.loss));
      if (gradient) store_some(mul(t.slope, factor), gradient + i, rest);
    }
    b.loss[row] = sum.total() * inverse * weight;
  }
}

void squared_error(const LossRows& b) { mean_rows(b, SquaredError{}); }
void absolute_error(const LossRows& b) { mean_rows(b, AbsoluteError{}); }
void huber_error(const LossRows& b) { mean_rows(b, HuberError{set(b.delta)}); }
void logistic_error(const LossRows& b) { mean_rows(b, LogisticError{}); }

/// gradient = factor * (p * total - share), p = e^(x - largest) / sum. `e` holds the exponentials where there is a gradient.
void cross_entropy_row_by_row(const LossRows& b, int64_t row) {
  const auto* labels = static_cast<const int32_t*>(b.target);
  for (; row < b.rows; row++) {
    const float* x = b.prediction + row * b.columns;
    float* gradient = b.gradient ? b.gradient + row * b.columns : nullptr;
    const int64_t label = labels[row];
    if (label < 0 || label >= b.columns) {
      constexpr float nan = std::numeric_limits<float>::quiet_NaN();
      b.loss[row] = nan;
      if (gradient)
        for (int64_t i = 0; i < b.columns; i++) gradient[i] = nan;
      continue;
    }
    const float weight = b.scale * (b.sample_weights ? b.sample_weights[row] : 1) *
                         (b.class_weights ? b.class_weights[label] : 1);
    const RowSoftmax softmax = row_softmax(x, b.columns, gradient);
    b.loss[row] = weight * (softmax.log_sum - (x[label] - softmax.largest));
    if (!gradient) continue;
    const float at_label = gradient[label];
    const V factor = set(weight / softmax.sum);
    int64_t i = 0;
    for (; i + lanes <= b.columns; i += lanes) store(mul(load(gradient + i), factor), gradient + i);
    if (const int64_t rest = b.columns - i; rest > 0)
      store_some(mul(load_some(gradient + i, rest), factor), gradient + i, rest);
    gradient[label] = weight * (at_label / softmax.sum - 1);
  }
}

// Columns of a narrow matrix: so few that row after row most of a vector would be empty.
constexpr int64_t narrow = 16;

/// The same for up to `narrow` columns and `lanes` rows at once, a row a lane. Each row goes through the same operations in
/// the same order as in row_softmax, so that its bits are the same.
void cross_entropy_rows(const LossRows& b, int64_t row) {
  const int64_t columns = b.columns;
  const float* const prediction = b.prediction + row * columns;
  HWY_ALIGN float x[narrow * lanes], e[narrow * lanes];
  for (int64_t first = 0; first < columns; first += lanes) {
    V square[lanes];
    load_square(prediction + first, columns, lanes, columns - first, square);
    PLEXUS_UNROLL for (int i = 0; i < lanes; i++) store(square[i], x + (first + i) * lanes);
  }

  V largest = set(-std::numeric_limits<float>::infinity());
  for (int64_t j = 0; j < columns; j++) {
    const V v = load(x + j * lanes);
    largest = select(hn::Gt(v, largest), v, largest);
  }
  V places[narrow];
  for (int64_t j = 0; j < narrow; j++) {
    places[j] = zero();
    if (j >= columns) continue;
    places[j] = wide_exp(sub(load(x + j * lanes), largest));
    store(places[j], e + j * lanes);
  }
  for (int64_t half = narrow / 2; half > 0; half /= 2)
    for (int64_t j = 0; j < half; j++) places[j] = add(places[j], places[j + half]);
  const V sum = places[0], log_sum = log1p(sub(mul(sum, set(wide_unit)), set(1)));

  const int32_t* const labels = static_cast<const int32_t*>(b.target) + row;
  HWY_ALIGN float weight[lanes], at_label[lanes], e_at_label[lanes], loss[lanes];
  for (int64_t r = 0; r < lanes; r++) {
    weight[r] = b.scale * (b.sample_weights ? b.sample_weights[row + r] : 1) *
                (b.class_weights ? b.class_weights[labels[r]] : 1);
    at_label[r] = x[labels[r] * lanes + r];
    e_at_label[r] = e[labels[r] * lanes + r];
  }
  const V weights = load(weight);
  store(mul(weights, sub(log_sum, sub(load(at_label), largest))), loss);
  for (int64_t r = 0; r < lanes; r++) b.loss[row + r] = loss[r];
  if (!b.gradient) return;
  const V factor = hn::Div(weights, sum);
  store(mul(weights, sub(hn::Div(load(e_at_label), sum), set(1))), at_label);
  float* const gradient = b.gradient + row * columns;
  for (int64_t first = 0; first < columns; first += lanes) {
    V square[lanes];
    PLEXUS_UNROLL for (int i = 0; i < lanes; i++)
      square[i] = first + i < columns ? mul(load(e + (first + i) * lanes), factor) : zero();
    store_square(square, gradient + first, columns, lanes, columns - first);
  }
  for (int64_t r = 0; r < lanes; r++) gradient[r * columns + labels[r]] = at_label[r];
}

void cross_entropy(const LossRows& b) {
  int64_t row = 0;
  if (lanes > 1 && b.columns <= narrow) {
    const auto* labels = static_cast<const int32_t*>(b.target);
    const auto fits = [&](int64_t r) { return labels[r] >= 0 && labels[r] < b.columns; };
    for (; row + lanes <= b.rows; row += lanes) {
      bool all = true;
      for (int64_t r = row; r < row + lanes; r++) all &= fits(r);
      if (!all) break;
      cross_entropy_rows(b, row);
    }
  }
  cross_entropy_row_by_row(b, row);
}

void cross_entropy_one_hot(const LossRows& b) {
  const auto* targets = static_cast<const float*>(b.target);
  for (int64_t row = 0; row < b.rows; row++) {
    const float *x = b.prediction + row * b.columns, *target = targets + row * b.columns;
    float* gradient = b.gradient ? b.gradient + row * b.columns : nullptr;
    const float weight = b.scale * (b.sample_weights ? b.sample_weights[row] : 1);
    const RowSoftmax softmax = row_softmax(x, b.columns, gradient);
    const V largest = set(softmax.largest), log_sum = set(softmax.log_sum);
    FixedSum<16> loss, total;
    const auto add_terms = [&](int64_t i, V x_, V target_, V class_weight) HWY_ATTR {
      const V share = mul(target_, class_weight), log_p = sub(sub(x_, largest), log_sum);
      // A class that does not count may have probability 0, whose logarithm is infinite.
      loss.add(i, hn::IfThenElseZero(hn::Ne(share, zero()), mul(share, log_p)));
      total.add(i, share);
    };
    int64_t i = 0;
    for (; i + lanes <= b.columns; i += lanes)
      add_terms(i, load(x + i), load(target + i), b.class_weights ? load(b.class_weights + i) : set(1));
    const int64_t rest = b.columns - i;
    if (rest > 0)
      add_terms(i, load_some(x + i, rest), load_some(target + i, rest),
                b.class_weights ? load_some(b.class_weights + i, rest) : set(1));
    b.loss[row] = -weight * loss.total();
    if (!gradient) continue;
    // weight (p total - share), p = e / sum
    const V share_of_e = set(weight * total.total() / softmax.sum), scale = set(weight);
    const auto slope = [&](V e, V target_, V class_weight) HWY_ATTR {
      return hn::MulSub(e, share_of_e, mul(scale, mul(target_, class_weight)));
    };
    for (i = 0; i + lanes <= b.columns; i += lanes)
      store(slope(load(gradient + i), load(target + i), b.class_weights ? load(b.class_weights + i) : set(1)), gradient + i);
    if (rest > 0)
      store_some(slope(load_some(gradient + i, rest), load_some(target + i, rest),
                       b.class_weights ? load_some(b.class_weights + i, rest) : set(1)),
                 gradient + i, rest);
  }
}

float sum(const float* x, int64_t n) {
  FixedSum<16> total;
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) total.add(i, load(x + i));
  if (i < n) total.add(i, load_some(x + i, n - i));
  return total.total();
}

// In the order of the enumeration.
const LossLoops loops = {
    {squared_error, absolute_error, huber_error, logistic_error, cross_entropy, cross_entropy_one_hot}, sum};

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace plexus::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace plexus::simd {
const LossLoops& loss_loops(Isa isa) { return *PLEXUS_SIMD_TABLE(isa, loops); }
}  // namespace plexus::simd
#endif

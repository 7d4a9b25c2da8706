// A plugin that is right in every family, for edits.txt to make wrong a line at a time. Plain loops, float in, double within.
#include <algorithm>
#include <cmath>
#include <limits>
#include <plexus/backends/abi/plexus_backend.hpp>

namespace {

namespace px = plexus::plugin;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t grain = 64;

template <class S>
struct Of : px::Kernel {
  Of(const S& spec, px::Host host) : spec(spec), host(host) {}
  int64_t rows(const plexus_call& call) const { return spec.batch == PLEXUS_BATCH_M ? call.rows : spec.m; }
  const char* describe() const override { return "a loop"; }
  const S spec;
  const px::Host host;
};

const float* in(void* const* buffers, int slot) { return static_cast<const float*>(buffers[slot]); }
float* out(void* const* buffers, int slot) { return static_cast<float*>(buffers[slot]); }

// ---- matmul ---------------------------------------------------------------------------------------------------------

struct Matmul final : Of<plexus_matmul> {
  Matmul(const plexus_matmul& spec, bool with_relu, px::Host host) : Of(spec, host), with_relu(with_relu) {}
  const bool with_relu;
  // A row of a, each thread its own: packed once, used for all of b.
  uint64_t workspace() const override { return uint64_t(blocks(spec.m) * spec.k) * sizeof(double); }
  static int64_t blocks(int64_t m) { return (m + 3) / 4; }

  plexus_status run(void* const* buffers, const plexus_call& call) const override {
    const int64_t m = rows(call), n = spec.n;
    const int64_t k = spec.batch == PLEXUS_BATCH_K ? call.rows : spec.k;
    const float *a = in(buffers, PLEXUS_MATMUL_A), *b = in(buffers, PLEXUS_MATMUL_B);
    const float* bias = in(buffers, PLEXUS_MATMUL_BIAS);
    float* c = out(buffers, with_relu ? int(PLEXUS_MATMUL_SLOTS) + PLEXUS_ACTIVATION_Y : PLEXUS_MATMUL_C);
    const int64_t ldc = with_relu ? n : spec.ldc;
    return host.parallel_for(blocks(m), 1, [&](int64_t begin, int64_t end) {
      for (int64_t block = begin; block < end; block++) {
        double* packed = static_cast<double*>(call.workspace) + block * spec.k;
        const int64_t last = std::min<int64_t>(m, block * 4 + 4);
        for (int64_t i = block * 4; i < last; i++) {
          for (int64_t p = 0; p < k; p++)
            packed[p] = spec.form == PLEXUS_TN ? a[p * spec.lda + i] : a[i * spec.lda + p];
          for (int64_t j = 0; j < n; j++) {
            float& result = c[i * ldc + j];
            double sum = 0;
            if (spec.accumulate) sum = result;
            if (spec.bias) sum = bias[j];
            for (int64_t p = 0; p < k; p++)
              sum += packed[p] * (spec.form == PLEXUS_NT ? b[j * spec.ldb + p] : b[p * spec.ldb + j]);
            result = float(sum);
            if (with_relu) result = result > 0 ? result : result <= 0 ? 0 : result;
          }
        }
      }
    });
  }
};

// ---- activation -----------------------------------------------------------------------------------------------------

struct Activation final : Of<plexus_activation> {
  using Of::Of;
  double element(double x) const {
    switch (spec.kind) {
      case PLEXUS_RELU: return x > 0 ? x : x <= 0 ? 0 : x;
      case PLEXUS_LEAKY_RELU: return x < 0 ? spec.alpha * x : x;
      case PLEXUS_ELU: return x > 0 ? x : spec.alpha * std::expm1(x);
      case PLEXUS_SIGMOID: return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x));
      case PLEXUS_TANH: return std::tanh(x);
      case PLEXUS_GELU: return x == -INFINITY ? 0 : x * 0.5 * std::erfc(-x * 0.70710678118654752440);
      default: return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))) + (x - x);  // softplus
    }
  }
  plexus_status run(void* const* buffers, const plexus_call& call) const override {
    const float* x = in(buffers, PLEXUS_ACTIVATION_X);
    float* y = out(buffers, PLEXUS_ACTIVATION_Y);
    const int64_t m = rows(call), n = spec.n;
    if (spec.kind != PLEXUS_SOFTMAX && spec.kind != PLEXUS_LOG_SOFTMAX)
      return host.parallel_for(m * n, grain, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++) y[i] = float(spec.kind == PLEXUS_SOFTPLUS && std::isinf(x[i]) ? std::max(x[i], 0.f) : element(x[i]));
      });
    return host.parallel_for(m, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        const float* row = x + i * n;
        double top = -INFINITY, sum = 0;
        for (int64_t j = 0; j < n; j++) top = row[j] > top ? row[j] : top;
        for (int64_t j = 0; j < n; j++) sum += std::exp(row[j] - top);
        for (int64_t j = 0; j < n; j++) {
          const double z = row[j] - top;
          y[i * n + j] = float(spec.kind == PLEXUS_SOFTMAX ? std::exp(z) / sum : z - std::log(sum));
        }
      }
    });
  }
};

struct Gradient final : Of<plexus_activation_gradient> {
  using Of::Of;
  double element(double dy, double saved) const {
    switch (spec.kind) {
      case PLEXUS_RELU: return saved > 0 ? dy : saved <= 0 ? 0 : saved;
      case PLEXUS_LEAKY_RELU: return saved > 0 ? dy : saved <= 0 ? spec.alpha * dy : saved;
      case PLEXUS_ELU: return saved > 0 ? dy : dy * (saved + spec.alpha);
      case PLEXUS_SIGMOID: return dy * saved * (1 - saved);
      default: return dy * (1 - saved) * (1 + saved);  // tanh
    }
  }
  plexus_status run(void* const* buffers, const plexus_call& call) const override {
    const float *dy = in(buffers, PLEXUS_GRADIENT_DY), *saved = in(buffers, PLEXUS_GRADIENT_SAVED);
    float* dx = out(buffers, PLEXUS_GRADIENT_DX);
    const int64_t m = rows(call), n = spec.n;
    if (spec.kind != PLEXUS_SOFTMAX)
      return host.parallel_for(m * n, grain, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++) dx[i] = float(element(dy[i], saved[i]));
      });
    return host.parallel_for(m, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        double mean = 0;
        for (int64_t j = i * n; j < (i + 1) * n; j++) mean += double(dy[j]) * saved[j];
        for (int64_t j = i * n; j < (i + 1) * n; j++) dx[j] = float(saved[j] * (dy[j] - mean));
      }
    });
  }
};

// ---- loss -----------------------------------------------------------------------------------------------------------

struct Loss final : Of<plexus_loss> {
  using Of::Of;
  uint64_t workspace() const override { return uint64_t(spec.m) * sizeof(double); }

  /// Of one row; the slopes, times `factor`, to `slopes` where there are any.
  double row(const float* p, const void* target, int64_t i, const float* classes, double factor, float* slopes) const {
    const int64_t n = spec.n;
    const float* t = static_cast<const float*>(target) + i * n;
    double sum = 0;
    if (spec.kind == PLEXUS_SOFTMAX_CROSS_ENTROPY) {
      const int32_t label = static_cast<const int32_t*>(target)[i];
      if (label < 0 || label >= n) {
        for (int64_t j = 0; slopes && j < n; j++) slopes[j] = float(nan);
        return nan;
      }
      double top = -INFINITY, others = 0;
      int64_t at = 0;
      for (int64_t j = 0; j < n; j++)
        if (p[j] > top) top = p[at = j];
      others = p[at] - top;
      for (int64_t j = 0; j < n; j++)
        if (j != at) others += std::exp(p[j] - top);
      const double weight = spec.class_weights ? classes[label] : 1;
      for (int64_t j = 0; slopes && j < n; j++)
        slopes[j] = float(factor * weight * (std::exp(p[j] - top) / (1 + others) - (j == label ? 1 : 0)));
      return weight * (std::log1p(others) - (p[label] - top));
    }
    for (int64_t j = 0; j < n; j++) {
      const double d = double(p[j]) - t[j];
      double loss = d * d, slope = 2 * d;
      if (spec.kind == PLEXUS_MAE) loss = std::abs(d), slope = d > 0 ? 1 : d < 0 ? -1 : d;
      if (spec.kind == PLEXUS_HUBER) {
        const bool line = std::abs(d) > spec.delta;
        loss = line ? spec.delta * (std::abs(d) - spec.delta / 2) : d * d / 2;
        slope = line ? std::copysign(spec.delta, d) : d;
      }
      if (spec.kind == PLEXUS_BINARY_CROSS_ENTROPY) {
        const double small = std::exp(-std::abs(double(p[j])));
        loss = std::max<double>(p[j], 0) - double(p[j]) * t[j] + std::log1p(small);
        slope = (p[j] >= 0 ? 1 : small) / (1 + small) - t[j];
      }
      sum += loss;
      if (slopes) slopes[j] = float(factor * slope / double(n));
    }
    return sum / double(n);
  }

  plexus_status run(void* const* buffers, const plexus_call& call) const override {
    const float *p = in(buffers, PLEXUS_LOSS_PREDICTION), *classes = in(buffers, PLEXUS_LOSS_CLASS_WEIGHTS);
    const float *samples = in(buffers, PLEXUS_LOSS_SAMPLE_WEIGHTS), *given = in(buffers, PLEXUS_LOSS_SCALE);
    const void* target = buffers[PLEXUS_LOSS_TARGET];
    float* gradient = out(buffers, PLEXUS_LOSS_GRADIENT);
    auto* losses = static_cast<double*>(call.workspace);
    const int64_t m = rows(call), n = spec.n;
    const double scale = given ? *given : 1 / double(m);
    const plexus_status status = host.parallel_for(m, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        const double weight = samples ? samples[i] : 1;
        losses[i] = weight * row(p + i * n, target, i, classes, scale * weight, gradient ? gradient + i * n : nullptr);
      }
    });
    double sum = 0;
    for (int64_t i = 0; i < m; i++) sum += losses[i];
    *out(buffers, PLEXUS_LOSS_VALUE) = float(scale * sum);
    return status;
  }
};

// ---- dropout --------------------------------------------------------------------------------------------------------

struct Dropout final : Of<plexus_dropout> {
  using Of::Of;
  plexus_status run(void* const* buffers, const plexus_call& call) const override {
    const float* x = in(buffers, PLEXUS_DROPOUT_X);
    float* y = out(buffers, PLEXUS_DROPOUT_Y);
    const int64_t seed = *static_cast<const int64_t*>(buffers[PLEXUS_DROPOUT_SEED]);
    const int64_t step = *static_cast<const int64_t*>(buffers[PLEXUS_DROPOUT_STEP]);
    const double kept = 1 - double(spec.rate);
    return host.parallel_for(rows(call) * spec.n, grain, [&](int64_t begin, int64_t end) {
      float u[grain];
      for (int64_t first = begin; first < end; first += grain) {
        const int64_t count = std::min(grain, end - first);
        host.uniform(seed, spec.stream, step, first, count, u);
        for (int64_t i = 0; i < count; i++) y[first + i] = u[i] >= spec.rate ? float(x[first + i] / kept) : 0;
      }
    });
  }
};

// ---- reduce ---------------------------------------------------------------------------------------------------------

struct Reduce final : Of<plexus_reduce> {
  using Of::Of;
  plexus_status run(void* const* buffers, const plexus_call& call) const override {
    const float* x = in(buffers, PLEXUS_REDUCE_X);
    void* y = buffers[PLEXUS_REDUCE_Y];
    const int64_t m = rows(call), n = spec.n;
    if (spec.kind == PLEXUS_SUM_SQUARES) {
      double sum = spec.accumulate ? *static_cast<double*>(y) : 0;
      for (int64_t i = 0; i < m * n; i++) sum += double(x[i]) * x[i];
      *static_cast<double*>(y) = sum;
      return PLEXUS_OK;
    }
    if (spec.kind == PLEXUS_ARGMAX)
      return host.parallel_for(m, 1, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++) {
          int64_t top = 0;
          for (int64_t j = 0; j < n; j++) {
            const float best = x[i * n + top], now = x[i * n + j];
            if (now > best || (std::isnan(now) && !std::isnan(best))) top = j;
          }
          static_cast<int32_t*>(y)[i] = int32_t(top);
        }
      });
    const bool down = spec.kind == PLEXUS_COLUMN_SUM;
    return host.parallel_for(down ? n : m, 1, [&](int64_t begin, int64_t end) {
      for (int64_t at = begin; at < end; at++) {
        float& result = static_cast<float*>(y)[at];
        double sum = spec.accumulate ? result : 0;
        for (int64_t p = 0; p < (down ? m : n); p++) sum += down ? x[p * n + at] : x[at * n + p];
        result = float(sum);
      }
    });
  }
};

struct Clip final : px::Kernel {
  explicit Clip(double limit) : limit(limit) {}
  plexus_status run(void* const* buffers, const plexus_call&) const override {
    const double norm = std::sqrt(*static_cast<const double*>(buffers[PLEXUS_CLIP_SUM_SQUARES]));
    const double factor = limit / (norm + 1e-6);
    *out(buffers, PLEXUS_CLIP_FACTOR) = float(factor > 1 ? 1 : factor);
    return PLEXUS_OK;
  }
  const double limit;
};

// ---- scale ----------------------------------------------------------------------------------------------------------

struct Scale final : Of<plexus_scale> {
  using Of::Of;
  plexus_status run(void* const* buffers, const plexus_call& call) const override {
    const float *x = in(buffers, PLEXUS_SCALE_X), *offset = in(buffers, PLEXUS_SCALE_OFFSET);
    const float* scale = in(buffers, PLEXUS_SCALE_SCALE);
    float* y = out(buffers, PLEXUS_SCALE_Y);
    return host.parallel_for(rows(call), 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++)
        for (int64_t j = 0; j < spec.n; j++) {
          const double shifted = double(x[i * spec.n + j]) - (spec.offset ? offset[j] : 0);
          y[i * spec.n + j] = float(shifted * scale[j]);
        }
    });
  }
};

// ---- update ---------------------------------------------------------------------------------------------------------

struct Update final : px::Kernel {
  Update(const plexus_update& spec, px::Host host) : spec(spec), host(host) {}
  plexus_status run(void* const* buffers, const plexus_call&) const override {
    float *parameter = out(buffers, PLEXUS_UPDATE_PARAMETER), *first = out(buffers, PLEXUS_UPDATE_FIRST);
    float* second = out(buffers, PLEXUS_UPDATE_SECOND);
    const float *gradient = in(buffers, PLEXUS_UPDATE_GRADIENT), *given = in(buffers, PLEXUS_UPDATE_SCALE);
    const double rate = *in(buffers, PLEXUS_UPDATE_LEARNING_RATE), scale = given ? *given : 1;
    const bool adam = spec.kind == PLEXUS_ADAM || spec.kind == PLEXUS_ADAMW;
    const double t = adam ? double(*static_cast<const int64_t*>(buffers[PLEXUS_UPDATE_STEP])) : 1;
    return host.parallel_for(spec.m * spec.n, grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        double w = parameter[i], g = gradient[i] * scale, step = 0;
        if (spec.kind != PLEXUS_ADAMW) g += spec.weight_decay * w;
        if (spec.kind == PLEXUS_ADAMW) w -= rate * spec.weight_decay * w;
        if (spec.kind == PLEXUS_SGD) {
          step = g;
          if (spec.momentum > 0) {
            const double v = spec.momentum * first[i] + g;
            first[i] = float(v);
            step = spec.nesterov ? g + spec.momentum * v : v;
          }
        } else if (adam) {
          const double m1 = spec.beta1 * first[i] + (1 - spec.beta1) * g;
          const double m2 = spec.beta2 * second[i] + (1 - spec.beta2) * g * g;
          first[i] = float(m1);
          second[i] = float(m2);
          step = m1 / (1 - std::pow(spec.beta1, t)) / (std::sqrt(m2 / (1 - std::pow(spec.beta2, t))) + spec.epsilon);
        } else {
          const bool average = spec.kind == PLEXUS_RMSPROP;
          const double v = average ? spec.beta2 * second[i] + (1 - spec.beta2) * g * g : second[i] + g * g;
          second[i] = float(v);
          step = g / (std::sqrt(v) + spec.epsilon);
          if (average && spec.momentum > 0) {
            step += spec.momentum * first[i];
            first[i] = float(step);
          }
        }
        parameter[i] = float(w - rate * step);
      }
    });
  }
  const plexus_update spec;
  const px::Host host;
};

// ---- the backend ----------------------------------------------------------------------------------------------------

struct Correct final : px::Backend {
  static constexpr const char* name = PLUGIN_NAME;
  static constexpr const char* description = "right, but for a line";
  explicit Correct(px::Host host) : host(host) {}

  static bool has(uint8_t kind) {
    return kind != PLEXUS_SELU && kind != PLEXUS_GELU_TANH && kind != PLEXUS_SILU;
  }
  int32_t takes(const Operations& rest) const override {
    if (const auto s = rest.get<plexus_matmul>(0)) {
      if (s->a_type != PLEXUS_F32 || s->b_type != PLEXUS_F32 || s->c_type != PLEXUS_F32) return 0;
      const auto next = rest.get<plexus_activation>(1);
      if (!next || next->kind != PLEXUS_RELU || s->accumulate) return 1;
      if (rest.buffer(1, PLEXUS_ACTIVATION_X) != rest.buffer(0, PLEXUS_MATMUL_C)) return 1;
      if (!rest.internal(0, PLEXUS_MATMUL_C, 2)) return 1;
      return 2;
    }
    if (const auto s = rest.get<plexus_activation>(0)) return s->dtype == PLEXUS_F32 && has(s->kind);
    if (const auto s = rest.get<plexus_activation_gradient>(0))
      return s->dtype == PLEXUS_F32 && (s->kind <= PLEXUS_ELU || s->kind == PLEXUS_SIGMOID || s->kind == PLEXUS_TANH || s->kind == PLEXUS_SOFTMAX);
    if (const auto s = rest.get<plexus_loss>(0)) return s->dtype == PLEXUS_F32 && s->kind != PLEXUS_SOFTMAX_CROSS_ENTROPY_ONE_HOT;
    if (const auto s = rest.get<plexus_dropout>(0)) return s->dtype == PLEXUS_F32;
    if (const auto s = rest.get<plexus_reduce>(0)) return s->dtype == PLEXUS_F32;
    if (const auto s = rest.get<plexus_clip>(0)) return s->dtype == PLEXUS_F32;
    if (const auto s = rest.get<plexus_scale>(0)) return s->dtype == PLEXUS_F32;
    if (const auto s = rest.get<plexus_update>(0))
      return s->dtype == PLEXUS_F32 && s->kind <= PLEXUS_ADAGRAD && s->l1 == 0 && s->l2 == 0 && s->clip_value == 0;
    return 0;
  }
  std::unique_ptr<Kernel> prepare(const Operations& run) override {
    if (const auto s = run.get<plexus_matmul>(0)) return std::make_unique<Matmul>(*s, run.size() == 2, host);
    if (const auto s = run.get<plexus_activation>(0)) return std::make_unique<Activation>(*s, host);
    if (const auto s = run.get<plexus_activation_gradient>(0)) return std::make_unique<Gradient>(*s, host);
    if (const auto s = run.get<plexus_loss>(0)) return std::make_unique<Loss>(*s, host);
    if (const auto s = run.get<plexus_dropout>(0)) return std::make_unique<Dropout>(*s, host);
    if (const auto s = run.get<plexus_reduce>(0)) return std::make_unique<Reduce>(*s, host);
    if (const auto s = run.get<plexus_clip>(0)) return std::make_unique<Clip>(s->limit);
    if (const auto s = run.get<plexus_scale>(0)) return std::make_unique<Scale>(*s, host);
    return std::make_unique<Update>(*run.get<plexus_update>(0), host);
  }

  const px::Host host;
};

}  // namespace

PLEXUS_BACKEND_PLUGIN(Correct)

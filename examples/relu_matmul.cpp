// A complete backend for Plexus in C++: relu, matrix products in f32, and product + relu as one kernel.
// Nothing of Plexus is linked; all that it needs is the header. Build it and look:
//   c++ -std=c++17 -O2 -shared -fPIC -fvisibility=hidden relu_matmul.cpp -o relu_matmul.so
//   PLEXUS_BACKEND_PATH=$PWD plexus plan --backend relu_matmul
#include <plexus/backends/abi/plexus_backend.hpp>

namespace {

namespace px = plexus::plugin;

float relu(float x) { return x > 0 ? x : x == x ? 0 : x; }  // NaN stays NaN

/// y = relu(x); an element costs about a nanosecond, a piece of a loop should take twenty microseconds.
struct Relu final : px::Kernel {
  Relu(const plexus_activation& spec, px::Host host) : spec(spec), host(host) {}

  plexus_status run(void* const* buffers, const plexus_call& call) const override {
    const auto* x = static_cast<const float*>(buffers[PLEXUS_ACTIVATION_X]);
    auto* y = static_cast<float*>(buffers[PLEXUS_ACTIVATION_Y]);
    const int64_t rows = spec.batch == PLEXUS_BATCH_M ? call.rows : spec.m;
    return host.parallel_for(rows * spec.n, 16384, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) y[i] = relu(x[i]);
    });
  }
  const char* describe() const override { return "plain loop"; }

  const plexus_activation spec;
  const px::Host host;
};

/// c = op(a) op(b) + bias, one row after the other, in the order of k; with relu at the end of a row where it
/// is fused.
struct Matmul final : px::Kernel {
  Matmul(const plexus_matmul& spec, bool with_relu, px::Host host)
      : spec(spec), with_relu(with_relu), host(host) {}

  plexus_status run(void* const* buffers, const plexus_call& call) const override {
    const auto* a = static_cast<const float*>(buffers[PLEXUS_MATMUL_A]);
    const auto* b = static_cast<const float*>(buffers[PLEXUS_MATMUL_B]);
    const auto* bias = static_cast<const float*>(buffers[PLEXUS_MATMUL_BIAS]);
    // What is internal to a fused kernel has no address: the result goes where the activation would put it.
    void* result = buffers[with_relu ? int(PLEXUS_MATMUL_SLOTS) + PLEXUS_ACTIVATION_Y : PLEXUS_MATMUL_C];
    auto* c = static_cast<float*>(result);
    const int64_t ldc = with_relu ? spec.n : spec.ldc;
    const int64_t m = spec.batch == PLEXUS_BATCH_M ? call.rows : spec.m;
    const int64_t k = spec.batch == PLEXUS_BATCH_K ? call.rows : spec.k;
    const bool transpose_a = spec.form == PLEXUS_TN, transpose_b = spec.form == PLEXUS_NT;
    return host.parallel_for(m, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        float* row = c + i * ldc;
        for (int64_t j = 0; j < spec.n; j++) {
          float sum = spec.accumulate ? row[j] : spec.bias ? bias[j] : 0;
          for (int64_t p = 0; p < k; p++)
            sum += a[transpose_a ? p * spec.lda + i : i * spec.lda + p] *
                   b[transpose_b ? j * spec.ldb + p : p * spec.ldb + j];
          row[j] = with_relu ? relu(sum) : sum;
        }
      }
    });
  }
  const char* describe() const override { return with_relu ? "plain loops, relu inside" : "plain loops"; }

  const plexus_matmul spec;
  const bool with_relu;
  const px::Host host;
};

struct ReluMatmul final : px::Backend {
  static constexpr const char* name = "relu_matmul";
  static constexpr const char* description = "an example: relu and matrix products";
  explicit ReluMatmul(px::Host host) : host(host) {}

  int32_t takes(const Operations& rest) const override {
    const auto product = rest.get<plexus_matmul>(0);
    const auto activation = rest.get<plexus_activation>(0);
    if (activation) return activation->kind == PLEXUS_RELU && activation->dtype == PLEXUS_F32;
    if (!product || product->a_type != PLEXUS_F32 || product->b_type != PLEXUS_F32 ||
        product->c_type != PLEXUS_F32)
      return 0;
    // A relu of the product, which nobody else reads: both as one. The wiring decides, not the order of
    // operations.
    const auto next = rest.get<plexus_activation>(1);
    const bool fits = next && next->kind == PLEXUS_RELU && !product->accumulate &&
                      rest.buffer(1, PLEXUS_ACTIVATION_X) == rest.buffer(0, PLEXUS_MATMUL_C) &&
                      rest.internal(0, PLEXUS_MATMUL_C, 2);
    return fits ? 2 : 1;
  }
  std::unique_ptr<Kernel> prepare(const Operations& run) override {
    if (const auto product = run.get<plexus_matmul>(0))
      return std::make_unique<Matmul>(*product, run.size() == 2, host);
    return std::make_unique<Relu>(*run.get<plexus_activation>(0), host);
  }

  const px::Host host;
};

}  // namespace

PLEXUS_BACKEND_PLUGIN(ReluMatmul)

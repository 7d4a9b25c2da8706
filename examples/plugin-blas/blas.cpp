// A backend for Plexus on top of any BLAS: products of matrices in float by cblas_sgemm, and nothing else.
// The page docs/write-a-backend.md goes through it step by step.
#include <cblas.h>

#include <algorithm>
#include <climits>
#include <plexus/backends/abi/plexus_backend.hpp>

// Where the BLAS is OpenBLAS: its number of threads. Another one leaves the address null.
extern "C" __attribute__((weak)) void openblas_set_num_threads(int threads);

namespace {

namespace px = plexus::plugin;

/// c = op(a) op(b) + bias, or added to what c holds.
struct Matmul final : px::Kernel {
  /// Rows of c that one call of the BLAS computes. Fixed, so that the bits do not depend on the number of threads; as many as
  /// keep a core busy for some microseconds.
  static constexpr int64_t block = 64;

  Matmul(const plexus_matmul& spec, px::Host host) : spec(spec), host(host) {}

  // The addresses come in the order of the slots. Never allocate here, and write to outputs only.
  plexus_status run(void* const* buffers, const plexus_call& call) const override {
    const auto* a = static_cast<const float*>(buffers[PLEXUS_MATMUL_A]);
    const auto* b = static_cast<const float*>(buffers[PLEXUS_MATMUL_B]);
    const auto* bias = static_cast<const float*>(buffers[PLEXUS_MATMUL_BIAS]);
    auto* c = static_cast<float*>(buffers[PLEXUS_MATMUL_C]);
    // The spec holds the maximum of the dimension that varies, the call its true size.
    const int64_t m = spec.batch == PLEXUS_BATCH_M ? call.rows : spec.m;
    const int64_t k = spec.batch == PLEXUS_BATCH_K ? call.rows : spec.k;
    const bool transpose_a = spec.form == PLEXUS_TN, transpose_b = spec.form == PLEXUS_NT;
    return host.parallel_for((m + block - 1) / block, 1, [&](int64_t begin, int64_t end) {
      for (int64_t first = begin * block; first < std::min(end * block, m); first += block) {
        const int64_t rows = std::min(block, m - first);
        float* tile = c + first * spec.ldc;
        if (!spec.accumulate)
          for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < spec.n; j++) tile[i * spec.ldc + j] = spec.bias ? bias[j] : 0;
        if (spec.n == 0 || k == 0) continue;  // BLAS refuses strides of 0
        cblas_sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans, int(rows),
                    int(spec.n), int(k), 1, a + first * (transpose_a ? 1 : spec.lda), int(spec.lda), b, int(spec.ldb),
                    1, tile, int(spec.ldc));
      }
    });
  }
  const char* describe() const override { return "cblas_sgemm"; }

  const plexus_matmul spec;
  const px::Host host;
};

struct Blas final : px::Backend {
  static constexpr const char* name = "blas";  // of the file, too
  static constexpr const char* description = "matrix products by cblas_sgemm";
  /// BLAS adds the finished product to what c held; and some leave out factors of zero, so that 0 * NaN is 0.
  static constexpr plexus_deviations deviates = {
      sizeof(plexus_deviations), PLEXUS_DEVIATES_ACCUMULATE_CHAIN | PLEXUS_DEVIATES_NON_FINITE, 0, 0};
  static constexpr const plexus_deviations* deviations = &deviates;

  explicit Blas(px::Host host) : host(host) {
    // The loops here run on the host's threads; more of them inside of each would be too many.
    if (openblas_set_num_threads) openblas_set_num_threads(1);
  }

  // Offered the rest of a program: how many of its first operations run here, as one kernel?
  int32_t takes(const Operations& rest) const override {
    const auto s = rest.get<plexus_matmul>(0);
    if (!s || s->a_type != PLEXUS_F32 || s->b_type != PLEXUS_F32 || s->c_type != PLEXUS_F32) return 0;
    // BLAS counts in int.
    return std::max({s->m, s->n, s->k, s->lda, s->ldb, s->ldc}) <= INT_MAX;
  }
  std::unique_ptr<Kernel> prepare(const Operations& run) override {
    return std::make_unique<Matmul>(*run.get<plexus_matmul>(0), host);
  }

  const px::Host host;
};

}  // namespace

PLEXUS_BACKEND_PLUGIN(Blas)

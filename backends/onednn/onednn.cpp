// oneDNN as a plugin: what it takes, and in which environment its primitives are made.
#include <cstring>
#include <mutex>
#include <string>

#include "plexus/backends/onednn/kernel.h"
#include "plexus/backends/onednn/thread_count.h"

namespace plexus::onednn {
namespace {

#define PLEXUS_STRING_OF(x) #x
#define PLEXUS_STRING(x) PLEXUS_STRING_OF(x)
constexpr const char* library_version = PLEXUS_STRING(DNNL_VERSION_MAJOR) "." PLEXUS_STRING(
    DNNL_VERSION_MINOR) "." PLEXUS_STRING(DNNL_VERSION_PATCH);

/// relu and its relatives turn NaN into 0; x sigmoid(x) and the like are 0 times infinity far out; a NaN that
/// softmax meets stays in its place and loses the others. A product is added to what it accumulates on at the
/// end, and where oneDNN's kernels are those for AVX2, or rows are apart, it cuts k by the number of threads.
/// The bounds are those of its own tests.
constexpr plexus_deviations declared = {
    .struct_size = sizeof(plexus_deviations),
    .rows = PLEXUS_DEVIATES_ACTIVATION_NAN | PLEXUS_DEVIATES_GRADIENT_NAN |
            PLEXUS_DEVIATES_ACTIVATION_INFINITY | PLEXUS_DEVIATES_SOFTMAX_NON_FINITE |
            PLEXUS_DEVIATES_ACCUMULATE_CHAIN | PLEXUS_DEVIATES_THREAD_BITS,
    .elementwise_relative = 4e-5,
    .elementwise_absolute = 1e-6,
};

/// Caps oneDNN's instruction set, which it chooses once, before its first primitive. "avx512": no cap,
/// whatever lies above matters to other element types than float.
void cap_instruction_set(const char* most) {
  static std::once_flag once;
  std::call_once(once, [most] {
    if (!most) return;
    if (std::strcmp(most, "scalar") == 0) dnnl_set_max_cpu_isa(dnnl_cpu_isa_sse41);  // the least that it has
    if (std::strcmp(most, "avx2") == 0) dnnl_set_max_cpu_isa(dnnl_cpu_isa_avx2);
  });
}

template <class S>
bool floats(const S& spec) {
  return spec.dtype == PLEXUS_F32 && spec.m > 0 && spec.n > 0;
}
bool floats(const plexus_matmul& spec) {
  return spec.a_type == PLEXUS_F32 && spec.b_type == PLEXUS_F32 && spec.c_type == PLEXUS_F32 && spec.m > 0 &&
         spec.n > 0 && spec.k > 0;
}

/// oneDNN 3.7.2 writes the wrong places where one size is 1 and rows are further apart than they are long.
bool misplaced(const plexus_matmul& spec) {
  const bool apart = spec.lda > (spec.form == PLEXUS_TN ? spec.m : spec.k) ||
                     spec.ldb > (spec.form == PLEXUS_NT ? spec.k : spec.n) || spec.ldc > spec.n;
  return apart && (spec.m == 1 || spec.n == 1 || spec.k == 1);
}

template <class S>
int64_t batch_size(const S& spec) {
  return spec.m;
}
int64_t batch_size(const plexus_matmul& spec) { return spec.batch == PLEXUS_BATCH_K ? spec.k : spec.m; }

class OneDnn final : public plugin::Backend {
 public:
  static constexpr const char* name = "onednn";
  static constexpr const char* version = library_version;
  static constexpr const char* description = "oneDNN's primitives";
  static constexpr uint32_t flags = PLEXUS_BACKEND_OWN_THREADS;
  static constexpr const plexus_deviations* deviations = &declared;

  explicit OneDnn(plugin::Host host) : host_(host) { cap_instruction_set(host.option("max_isa")); }

  int32_t takes(const Operations& rest) const override {
    if (const auto spec = rest.get<plexus_matmul>(0))
      return floats(*spec) && !misplaced(*spec) ? 1 + followed(rest, *spec) : 0;
    if (const auto spec = rest.get<plexus_activation>(0)) return floats(*spec) && has(*spec);
    if (const auto spec = rest.get<plexus_activation_gradient>(0)) return floats(*spec) && has(*spec);
    if (const auto spec = rest.get<plexus_reduce>(0)) return floats(*spec) && has(*spec);
    if (const auto spec = rest.get<plexus_scale>(0)) return floats(*spec);
    return 0;
  }

  std::unique_ptr<Kernel> prepare(const Operations& run) override {
    const ThreadCount threads(host_.threads());  // a primitive is made for a number of threads
    try {
      return make(run);
    } catch (const Unsupported& refusal) {
      refuse(refusal.what());
    } catch (const dnnl::error& error) {
      if (error.status != dnnl_unimplemented) throw;
      refuse(error.what());
    }
    return nullptr;
  }

 private:
  std::unique_ptr<Kernel> make(const Operations& run) const {
    if (const auto spec = run.get<plexus_matmul>(0))
      return make_kernel(*spec, run.get<plexus_activation>(1), setting(run, *spec));
    if (const auto spec = run.get<plexus_activation>(0)) return make_kernel(*spec, setting(run, *spec));
    if (const auto spec = run.get<plexus_activation_gradient>(0))
      return make_kernel(*spec, setting(run, *spec));
    if (const auto spec = run.get<plexus_reduce>(0)) return make_kernel(*spec, setting(run, *spec));
    if (const auto spec = run.get<plexus_scale>(0)) return make_kernel(*spec, setting(run, *spec));
    return nullptr;
  }

  void refuse(const std::string& reason) const {
    host_.log(PLEXUS_LOG_KERNEL, ("onednn leaves an operation to others: " + reason).c_str());
  }

  /// Whether the activation behind a product can be part of it: it reads the product, and nobody else does.
  /// What it writes must not be an operand of the product, which is still being read then.
  static bool followed(const Operations& rest, const plexus_matmul& product) {
    const auto next = rest.get<plexus_activation>(1);
    return next && floats(*next) && fuses(*next) && !product.accumulate && product.batch != PLEXUS_BATCH_K &&
           next->batch == product.batch && next->m == product.m && next->n == product.n &&
           rest.buffer(1, PLEXUS_ACTIVATION_X) == rest.buffer(0, PLEXUS_MATMUL_C) &&
           rest.internal(0, PLEXUS_MATMUL_C, 2) &&
           rest.buffer(1, PLEXUS_ACTIVATION_Y) != rest.buffer(0, PLEXUS_MATMUL_A) &&
           rest.buffer(1, PLEXUS_ACTIVATION_Y) != rest.buffer(0, PLEXUS_MATMUL_B);
  }

  template <class S>
  Setting setting(const Operations& run, const S& spec) const {
    if (spec.batch == PLEXUS_BATCH_NONE) return {RowCounts::fixed(spec.m), host_.threads()};
    const std::span expected(run[0].row_counts, run[0].row_counts_size);
    return {RowCounts::varying(batch_size(spec), expected), host_.threads()};
  }

  plugin::Host host_;
};

}  // namespace

const dnnl::engine& cpu_engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

}  // namespace plexus::onednn

PLEXUS_BACKEND_PLUGIN(plexus::onednn::OneDnn)

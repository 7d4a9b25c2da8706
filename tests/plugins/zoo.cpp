// The same in C++, through the SDK: exceptions where they must not come from, and what compilers make of it.
#include <plexus/backends/abi/plexus_backend.hpp>
#include <stdexcept>

namespace {

namespace px = plexus::plugin;

/// "; file.cpp:12" ... an exception where there are any.
[[maybe_unused]] void fail(const char* message) {
#if defined(__cpp_exceptions)
  throw std::runtime_error(message);
#else
  (void)message;
  __builtin_trap();
#endif
}

struct Relu final : px::Kernel {
  Relu(const plexus_activation& spec, px::Host host) : spec(spec), host(host) {}
  plexus_status run(void* const* buffers, const plexus_call& call) const override {
#if defined(ZOO_RUN_THROWS)
    fail("thrown in run");
#endif
    const auto* x = static_cast<const float*>(buffers[PLEXUS_ACTIVATION_X]);
    auto* y = static_cast<float*>(buffers[PLEXUS_ACTIVATION_Y]);
    const int64_t rows = spec.batch == PLEXUS_BATCH_M ? call.rows : spec.m;
    return host.parallel_for(rows * spec.n, 2, [&](int64_t begin, int64_t end) {
#if defined(ZOO_LOOP_THROWS)
      fail("thrown in a loop");
#endif
      for (int64_t i = begin; i < end; i++) y[i] = x[i] > 0 ? x[i] : x[i] == x[i] ? 0 : x[i];
    });
  }
  const char* describe() const override { return "from the zoo, in C++"; }
  const plexus_activation spec;
  const px::Host host;
};

struct Zoo final : px::Backend {
  [[maybe_unused]] static constexpr const char* name = ZOO_NAME;
  explicit Zoo(px::Host host) : host(host) {
#if defined(ZOO_CREATE_THROWS)
    fail("thrown in the constructor");
#endif
  }
#if defined(ZOO_SCORE_THROWS)
  static int32_t score(px::Host) {
    fail("thrown in score");
    return 1;
  }
#endif
  int32_t takes(const Operations& rest) const override {
#if defined(ZOO_TAKES_THROWS)
    fail("thrown in takes");
#endif
    const auto spec = rest.get<plexus_activation>(0);
    return spec && spec->kind == PLEXUS_RELU && spec->dtype == PLEXUS_F32;
  }
  std::unique_ptr<Kernel> prepare(const Operations& run) override {
#if defined(ZOO_PREPARE_THROWS)
    fail("thrown in prepare");
#endif
    return std::make_unique<Relu>(*run.get<plexus_activation>(0), host);
  }
  const px::Host host;
};

#if defined(ZOO_WORKSPACE_THROWS)
const plexus_backend* workspace_table() {
  static plexus_backend table = *px::Table<Zoo>::get();
  table.workspace = [](const void*) -> uint64_t {
    fail("thrown in workspace");
    return 0;
  };
  return &table;
}
#endif

#if defined(ZOO_RAW_THROWS)
// Without the SDK's guard: what a plugin must not do, and the host survives.
plexus_status raw_run(const void*, void* const*, const plexus_call*) {
  throw std::runtime_error("over the border");
}
const plexus_backend* raw_table() {
  static plexus_backend table = *px::Table<Zoo>::get();
  table.run = raw_run;
  return &table;
}
#endif

}  // namespace

#if defined(ZOO_OPEN_THROWS)
extern "C" PLEXUS_PLUGIN_EXPORT const plexus_backend* plexus_backend_open_v1(const plexus_host*) {
  throw std::runtime_error("thrown on opening");
}
#elif defined(ZOO_OPEN_THROWS_INT)
extern "C" PLEXUS_PLUGIN_EXPORT const plexus_backend* plexus_backend_open_v1(const plexus_host*) { throw 42; }
#elif defined(ZOO_RAW_THROWS)
extern "C" PLEXUS_PLUGIN_EXPORT const plexus_backend* plexus_backend_open_v1(const plexus_host*) {
  return raw_table();
}
#elif defined(ZOO_WORKSPACE_THROWS)
extern "C" PLEXUS_PLUGIN_EXPORT const plexus_backend* plexus_backend_open_v1(const plexus_host*) {
  return workspace_table();
}
#else
PLEXUS_BACKEND_PLUGIN(Zoo)
#endif

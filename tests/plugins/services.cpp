// Uses what the host offers, and says what it got; its dropout draws the host's random numbers into its
// workspace.
#include <cstdint>
#include <plexus/backends/abi/plexus_backend.hpp>
#include <string>

namespace {

namespace px = plexus::plugin;

struct Dropout final : px::Kernel {
  Dropout(const plexus_dropout& spec, px::Host host) : spec(spec), host(host) {}
  uint64_t workspace() const override { return uint64_t(spec.m * spec.n) * sizeof(float); }
  plexus_status run(void* const* buffers, const plexus_call& call) const override {
    const auto* x = static_cast<const float*>(buffers[PLEXUS_DROPOUT_X]);
    const auto* seed = static_cast<const int64_t*>(buffers[PLEXUS_DROPOUT_SEED]);
    const auto* step = static_cast<const int64_t*>(buffers[PLEXUS_DROPOUT_STEP]);
    auto* y = static_cast<float*>(buffers[PLEXUS_DROPOUT_Y]);
    auto* draws = static_cast<float*>(call.workspace);
    const int64_t rows = spec.batch == PLEXUS_BATCH_M ? call.rows : spec.m;
    return host.parallel_for(rows * spec.n, 7, [&](int64_t begin, int64_t end) {
      host.uniform(*seed, spec.stream, *step, begin, end - begin, draws + begin);
      for (int64_t i = begin; i < end; i++)
        y[i] = draws[i] >= spec.rate ? float(x[i] / (1 - double(spec.rate))) : 0;
    });
  }
  const plexus_dropout spec;
  const px::Host host;
};

struct Services final : px::Backend {
  static constexpr const char* name = "services";
  static constexpr const char* version = "0";

  explicit Services(px::Host host) : host(host) {
    const auto say = [&](const std::string& line) { host.log(PLEXUS_LOG_WARNING, line.c_str()); };
    const auto option = [&](const char* key) {
      return host.option(key) ? std::string(host.option(key)) : "unknown";
    };
    say("threads " + std::to_string(host.threads()));
    say("max_isa " + option("max_isa"));
    say("verbose " + option("verbose"));
    say("nonsense " + option("nonsense"));
    for (const size_t alignment : {1, 64, 4096}) {
      void* memory = host.allocate(100, alignment);
      say("aligned to " + std::to_string(alignment) + ": " +
          (memory && reinterpret_cast<uintptr_t>(memory) % (alignment < 64 ? 64 : alignment) == 0 ? "yes"
                                                                                                  : "no"));
      host.release(memory);
    }
    say(std::string("too much: ") + (host.allocate(SIZE_MAX, 64) ? "given" : "refused"));
    say(std::string("odd alignment: ") + (host.allocate(10, 48) ? "given" : "refused"));
    host.log(PLEXUS_LOG_RUN, "nobody listens to this");
    const plexus_status bad = host.parallel_for(10, 0, [](int64_t, int64_t) {});
    say("a grain of 0: " + std::to_string(bad));
  }
  int32_t takes(const Operations& rest) const override {
    const auto spec = rest.get<plexus_dropout>(0);
    return spec && spec->dtype == PLEXUS_F32;
  }
  std::unique_ptr<Kernel> prepare(const Operations& run) override {
    return std::make_unique<Dropout>(*run.get<plexus_dropout>(0), host);
  }
  const px::Host host;
};

}  // namespace

PLEXUS_BACKEND_PLUGIN(Services)

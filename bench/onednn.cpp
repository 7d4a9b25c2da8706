// What it costs to reach oneDNN through Plexus: the same products called directly and through the backend, in
// turn, in one process, over the same memory, with the same number of threads, which wait the same way; and a
// whole training step beside the sum of its kernels. Medians, and the spread between the quartiles, in
// microseconds.
#include <benchmark/benchmark.h>
#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "plexus/backends/onednn/library.h"
#include "plexus/backends/registry.h"
#include "plexus/core/plan.h"
#include "plexus/core/tensor.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/sequential.h"

namespace plexus {
namespace onednn {

const dnnl::engine& cpu_engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

}  // namespace onednn

namespace {

double microseconds() {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// For calls that do not go through Plexus. By name: whichever OpenMP runtime oneDNN has brought in.
void use_threads(int count) {
  if (void* set = dlsym(RTLD_DEFAULT, "omp_set_num_threads")) reinterpret_cast<void (*)(int)>(set)(count);
}

class Times {
 public:
  template <class F>
  void measure(const F& f) {
    const double start = microseconds();
    f();
    times_.push_back(microseconds() - start);
  }
  void add(double time) { times_.push_back(time); }
  double median() { return quantile(0.5); }
  double spread() { return quantile(0.75) - quantile(0.25); }

 private:
  double quantile(double share) {
    std::sort(times_.begin(), times_.end());
    return times_.empty() ? 0 : times_[size_t(share * double(times_.size() - 1))];
  }
  std::vector<double> times_;
};

/// A product by oneDNN alone, with everything made beforehand.
class DirectProduct {
 public:
  DirectProduct(int64_t m, int64_t n, int64_t k, float* a, float* b, float* c)
      : description_(onednn::matmul(onednn::matrix(m, k, k), onednn::matrix(k, n, n), {},
                                    onednn::matrix(m, n, n), onednn::attributes())),
        primitive_(description_),
        stream_(onednn::cpu_engine()),
        scratchpad_(DType::u8, {int64_t(description_.scratchpad_desc().get_size())}) {
    const auto& engine = onednn::cpu_engine();
    memories_ = {{description_.src_desc(), engine, a},
                 {description_.weights_desc(), engine, b},
                 {description_.dst_desc(), engine, c},
                 {description_.scratchpad_desc(), engine, scratchpad_.bytes()}};
    const int slots[] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST, DNNL_ARG_SCRATCHPAD};
    for (size_t i = 0; i < 4; i++) arguments_.push_back({slots[i], memories_[i].get()});
  }
  void run() const {
    dnnl_primitive_execute(primitive_.get(), stream_.get(), int(arguments_.size()), arguments_.data());
  }

 private:
  dnnl::matmul::primitive_desc description_;
  dnnl::matmul primitive_;
  dnnl::stream stream_;
  Tensor scratchpad_;
  std::vector<dnnl::memory> memories_;
  std::vector<dnnl_exec_arg_t> arguments_;
};

/// Arguments: m, n, k, threads.
void product(benchmark::State& state) {
  const int64_t m = state.range(0), n = state.range(1), k = state.range(2);
  const int threads = int(state.range(3));
  const Context context = make_context({.backend = "onednn", .threads = threads, .sink = {}});
  use_threads(threads);
  std::vector<float> a(size_t(m * k), 1.0f), b(size_t(k * n), 1.0f), c(size_t(m * n));
  const DirectProduct direct(m, n, k, a.data(), b.data(), c.data());
  const auto kernel = prepare(context.chosen(), MatmulSpec{.m = m, .n = n, .k = k});
  Tensor workspace(DType::u8, {int64_t(kernel.workspace())});
  const auto through_plexus = [&] {
    kernel.run({.a = a.data(), .b = b.data(), .c = c.data()}, {.rows = m, .workspace = workspace.bytes()});
  };
  Times alone, through;
  bool turn = false;
  for (auto _ : state) {  // each goes first every second time
    if (turn) alone.measure([&] { direct.run(); });
    through.measure(through_plexus);
    if (!turn) alone.measure([&] { direct.run(); });
    turn = !turn;
  }
  state.counters["direct_us"] = alone.median();
  state.counters["direct_spread"] = alone.spread();
  state.counters["plexus_us"] = through.median();
  state.counters["plexus_spread"] = through.spread();
  state.counters["overhead_us"] = through.median() - alone.median();
  state.counters["overhead_percent"] = 100 * (through.median() / alone.median() - 1);
}
BENCHMARK(product)
    ->ArgNames({"m", "n", "k", "threads"})
    ->ArgsProduct({{16}, {64}, {64}, {1, 2}})
    ->ArgsProduct({{128}, {512}, {512}, {1, 2}})
    ->MinTime(2)
    ->UseRealTime();

/// A step of 784-512-512-10 at batch 128, by SGD.
void step(benchmark::State& state) {
  const Context context = make_context({.backend = "onednn", .threads = int(state.range(0)), .sink = {}});
  Sequential network{Dense(512), Relu(), Dense(512), Relu(), Dense(10)};
  network.build({784}, 1);
  LoweringOptions options{.part = Part::step, .batch = 128};
  options.update.kind = UpdateKind::sgd;
  Plan plan = Plan::build(context, network.store(), network.lower(options));
  network.store().scalar<float>("learning_rate") = 0.001f;
  std::fill_n(plan.data<float>("x"), 128 * 784, 0.5f);
  Times whole, kernels;
  for (auto _ : state) {
    whole.measure([&] { plan.run(128); });
    plan.run_timed(128);
    double sum = 0;
    for (const Plan::Row& row : plan.rows()) sum += row.nanoseconds / 1000;
    kernels.add(sum);
  }
  state.counters["step_us"] = whole.median();
  state.counters["step_spread"] = whole.spread();
  state.counters["kernels_us"] = kernels.median();
  state.counters["kernels_spread"] = kernels.spread();
  state.counters["overhead_percent"] = 100 * (whole.median() / kernels.median() - 1);
}
BENCHMARK(step)->ArgName("threads")->Arg(1)->Arg(2)->MinTime(2)->UseRealTime();

}  // namespace
}  // namespace plexus

int main(int argc, char** argv) {
  // libgomp, which comes in before main does, reads this once: start again with what Plexus sets where it
  // loads oneDNN itself.
  if (!std::getenv("OMP_WAIT_POLICY")) {
    setenv("OMP_WAIT_POLICY", "passive", 1);
    execv("/proc/self/exe", argv);
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}

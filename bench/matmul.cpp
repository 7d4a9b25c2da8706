// Matrix products of every usable backend, square, on one thread: the three forms of a training step.
#include <benchmark/benchmark.h>

#include "plexus/backends/registry.h"
#include "plexus/core/tensor.h"

namespace plexus {
namespace {

void matmul(benchmark::State& state, const std::string& backend, Form form) {
  const int64_t n = state.range(0);
  const Context context = make_context({.backend = backend, .threads = 1});
  const MatmulSpec spec{.form = form, .m = n, .n = n, .k = n, .batch = Batch::none};
  const Prepared<MatmulSpec> kernel = prepare(context.chosen(), spec);
  if (!kernel) return state.SkipWithError("this backend has no such kernel");
  const std::vector<float> a(size_t(n * n), 1.0f), b = a;
  std::vector<float> c = a;
  Tensor workspace(DType::u8, {int64_t(kernel.workspace())});
  for (auto _ : state)
    kernel.run({.a = a.data(), .b = b.data(), .c = c.data()}, {.workspace = workspace.bytes()});
  state.counters["FLOP"] =
      benchmark::Counter(2.0 * double(n * n * n), benchmark::Counter::kIsIterationInvariantRate);
}

const bool registered = [] {
  for (const BackendRow& row : backends()) {
    if (!row.usable) continue;
    for (const auto& [name, form] : {std::pair("/nn", Form::nn), {"/nt", Form::nt}, {"/tn", Form::tn}})
      benchmark::RegisterBenchmark((row.name + name).c_str(), matmul, row.name, form)
          ->Arg(512)
          ->Unit(benchmark::kMillisecond);
  }
  return true;
}();

}  // namespace
}  // namespace plexus

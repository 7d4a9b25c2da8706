// What a plan costs besides its kernels: rows whose kernels do nothing.
#include "plexus/core/plan.h"

#include <benchmark/benchmark.h>

namespace plexus {
namespace {

struct EmptyKernel final : Kernel {
  void run(void* const*, const Call&) const override {}
  std::string describe() const override { return "empty"; }
};

struct EmptyBackend final : Backend {
  std::string name() const override { return "empty"; }
  Claim claim(const Run&) const override {
    return {1, [] { return std::make_unique<const EmptyKernel>(); }};
  }
};

Program chain(int64_t operations) {
  Program program;
  BufferId x = program.add_buffer({.name = "x", .role = Role::input, .shape = {32, 64}, .batch = true});
  for (int64_t i = 0; i < operations; ++i) {
    const bool last = i + 1 == operations;
    const BufferId y = program.add_buffer({.name = std::to_string(i),
                                           .role = last ? Role::output : Role::temporary,
                                           .shape = {32, 64},
                                           .batch = true});
    program.add("relu", ActivationSpec{.kind = Activation::relu, .m = 32, .n = 64}, {x, y});
    x = y;
  }
  return program;
}

void plan_row(benchmark::State& state) {
  std::vector<std::unique_ptr<const Backend>> backends;
  backends.push_back(std::make_unique<const EmptyBackend>());
  const Context context(std::make_shared<const Executor>(1), std::move(backends));
  Store store;
  Plan plan = Plan::build(context, store, chain(state.range(0)));
  for (auto _ : state) plan.run(32);
  state.counters["time_per_row"] = benchmark::Counter(
      double(state.iterations() * state.range(0)), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(plan_row)->Arg(1)->Arg(15)->Arg(100);

}  // namespace
}  // namespace plexus

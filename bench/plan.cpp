// What a plan costs besides its kernels: rows whose kernels do nothing.
#include "plexus/core/plan.h"

#include "plexus/bench/suite.h"

namespace plexus::bench {
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

/// A plan and what it lives over.
struct EmptyPlan {
  Store store;
  Plan plan;

  EmptyPlan(const Context& context, int64_t rows) : plan(Plan::build(context, store, chain(rows))) {}
};

}  // namespace

void add_plan(Suite& suite) {
  for (const int64_t rows : {1, 15, 100}) {
    suite.add("plan/rows" + std::to_string(rows), [rows]() -> Suite::Measurement {
      std::vector<std::unique_ptr<const Backend>> backends;
      backends.push_back(std::make_unique<const EmptyBackend>());
      const Context context(std::make_shared<const Executor>(1), std::move(backends));
      const auto empty = std::make_shared<EmptyPlan>(context, rows);
      return [empty, rows](benchmark::State& state) {
        for (auto _ : state) empty->plan.run(32);
        using benchmark::Counter;
        state.counters["time_per_row"] =
            Counter(double(rows), Counter::kIsIterationInvariantRate | Counter::kInvert);
        state.SetLabel("empty kernels");
      };
    });
  }
}

}  // namespace plexus::bench

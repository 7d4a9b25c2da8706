// A small network and its step, for tests of plans.
#pragma once
#include <memory>
#include <vector>

#include "core/test_backends.h"
#include "plexus/core/plan.h"
#include "plexus/core/random.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/dropout.h"
#include "plexus/layers/sequential.h"

namespace plexus::testing {

inline constexpr int64_t inputs = 13, hidden = 10, classes = 3, batch = 32;

inline Sequential network(bool dropout = false, DType dtype = DType::f32) {
  Sequential net{Dense(hidden), Relu()};
  if (dropout) net.add(std::make_unique<Dropout>(0.5));
  net.add(std::make_unique<Dense>(classes));
  net.build({inputs}, 7, dtype);
  return net;
}

inline LoweringOptions step_options() {
  LoweringOptions options{.part = Part::step, .batch = batch, .row_counts = {22, batch}};
  options.update.kind = UpdateKind::sgd;
  options.update.momentum = 0.9;
  return options;
}

inline void fill_batch(Plan& plan, int64_t step) {
  auto* x = plan.data<float>("x");
  auto* target = plan.data<int32_t>("target");
  for (int64_t i = 0; i < batch * inputs; i++)
    x[i] = float(RandomStream(step, Purpose::user).normal(uint64_t(i)));
  for (int64_t i = 0; i < batch; i++) target[i] = int32_t((i + step) % classes);
}

inline void set_scalars(Store& store, int64_t step) {
  store.scalar<float>("learning_rate") = 0.1f;
  if (store.contains("step")) store.scalar<int64_t>("step") = step;
  if (store.contains("pass")) store.scalar<int64_t>("pass") = step;
  if (store.contains("seed")) store.scalar<int64_t>("seed") = 5;
}

inline std::unique_ptr<const Backend> whole_step() {
  static const std::vector<const Layout*> wishes = {&panel_transposed};
  return std::make_unique<TestBackend>("whole", match_step, wishes);
}

}  // namespace plexus::testing

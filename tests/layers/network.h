// What tests of layers share: contexts, values to put in, and reading back in double.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <vector>

#include "core/message.h"
#include "plexus/backends/registry.h"
#include "plexus/core/plan.h"
#include "plexus/core/random.h"
#include "plexus/layers/sequential.h"

namespace plexus::testing {

inline Context reference_context() {
  return make_context({.backend = "reference", .threads = 1, .sink = nullptr});
}

/// Calls `body` once a usable backend. That none has run is a failure.
template <class F>
void on_every_backend(const F& body) {
  int run = 0;
  for (const BackendRow& row : backends()) {
    if (!row.usable) continue;
    SCOPED_TRACE(row.name);
    body(make_context({.backend = row.name, .threads = 2, .sink = nullptr}));
    run++;
  }
  EXPECT_GT(run, 0) << "no backend is usable";
}

/// Uniform in [-1, 1).
template <class T>
void randomize(std::span<T> values, uint64_t seed) {
  const RandomStream stream(seed, Purpose::user);
  for (size_t i = 0; i < values.size(); i++) values[i] = T(2 * stream.uniform(i) - 1);
}

inline std::vector<double> values(const Store& store, const std::string& name) {
  const Tensor tensor = store.get(name).converted(DType::f64);
  return {tensor.values<double>().begin(), tensor.values<double>().end()};
}

inline void set(Store& store, const std::string& name, std::span<const double> values) {
  const Store::Entry& entry = store.entry(name);
  store.set(name, Tensor::from(values, entry.shape).converted(entry.data.dtype()));
}
inline void set(Store& store, const std::string& name, double value) {
  set(store, name, std::span(&value, 1));
}

/// The labels of a program's operations.
inline std::vector<std::string> labels(const Program& program) {
  std::vector<std::string> labels;
  for (const Operation& operation : program.operations()) labels.push_back(operation.label);
  return labels;
}

/// y of a forward program, in the network's type, as double.
inline std::vector<double> predict(Sequential& net, const Context& context, std::span<const double> x) {
  const int64_t rows = int64_t(x.size()) / net.input_shape().elements();
  Plan plan = Plan::build(context, net.store(),
                          net.lower({.part = Part::forward, .batch = rows, .dtype = net.dtype()}));
  std::vector<double> y(size_t(rows * net.output_shape().elements()));
  const auto run = [&]<class T>(T*) {
    std::copy(x.begin(), x.end(), plan.data<T>("x"));
    plan.run(rows);
    std::copy_n(plan.data<T>("y"), y.size(), y.begin());
  };
  if (net.dtype() == DType::f64)
    run(static_cast<double*>(nullptr));
  else
    run(static_cast<float*>(nullptr));
  return y;
}

}  // namespace plexus::testing

// Optimizer steps, from a bias to ten million parameters. Each goes on from where the last one ended, as in
// training.
#include <algorithm>
#include <cmath>

#include "plexus/backends/conformance/shapes.h"
#include "plexus/bench/suite.h"
#include "plexus/trainer/optimizer.h"

namespace plexus::bench {
namespace {

constexpr int64_t row_length = 100;

Program program_of(const UpdateSpec& spec) {
  Program program;
  const BufferId parameter =
      program.add_buffer({.name = "parameter", .role = Role::parameter, .shape = {spec.m, spec.n}});
  const auto state = [&](const char* name, bool used = true) {
    return used ? program.add_buffer(
                      {.name = name, .role = Role::state, .shape = {spec.m, spec.n}, .like = parameter})
                : no_buffer;
  };
  program.add(
      "", spec,
      {parameter, state("gradient"), state("first", spec.has_first()), state("second", spec.has_second()),
       program.add_buffer({.name = "learning_rate", .role = Role::scalar, .shape = {1}}),
       spec.has_moments()
           ? program.add_buffer({.name = "step", .role = Role::scalar, .shape = {1}, .dtype = DType::i64})
           : no_buffer,
       no_buffer});
  return program;
}

void fill_state(const std::string& name, Tensor& values) {
  // Small: millions of steps with the same gradient must not leave the range of numbers.
  if (name == "learning_rate") values.values<float>()[0] = 1e-6f;
  if (name == "step") values.values<int64_t>()[0] = 10;
  if (name == "second" || name == "first")  // means of squares, adadelta's both
    for (float& value : values.values<float>()) value = std::fabs(value);
}

}  // namespace

void add_update(Suite& suite) {
  for (const Optimizer& optimizer :
       {Optimizer(Sgd{}), Optimizer(Sgd{.momentum = 0.9}), Optimizer(Adam{}), Optimizer(AdamW{}),
        Optimizer(RmsProp{}), Optimizer(Adagrad{}), Optimizer(Adamax{}), Optimizer(NAdam{}),
        Optimizer(RAdam{}), Optimizer(Adadelta{})}) {
    UpdateSpec spec = make_spec(optimizer);
    if (suite.quick() && spec.momentum == 0 && spec.kind != UpdateKind::adam) continue;
    for (const int64_t count : conformance::element_counts()) {
      if (suite.quick() && count != 10'000 && count != 1'000'000) continue;
      spec.m = count / row_length, spec.n = row_length;
      suite.add(program_of(spec), fill_state);
    }
  }
}

}  // namespace plexus::bench

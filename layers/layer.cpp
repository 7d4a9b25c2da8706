#include "plexus/layers/layer.h"

#include <utility>

#include "plexus/core/backend.h"
#include "plexus/core/error.h"

namespace plexus {

Layer::~Layer() = default;

void Lowering::enter(size_t layer, std::string prefix, std::string label) {
  layer_ = layer;
  prefix_ = std::move(prefix);
  label_ = std::move(label);
}

BufferId Lowering::temporary(const std::string& name, const Shape& row) {
  return program.add_buffer(
      {.name = prefix_ + "." + name, .shape = row.batched(batch), .dtype = dtype, .batch = true});
}

BufferId Lowering::result(const Shape& row) {
  if (prefix_ != last) return temporary("y", row);
  return program.add_buffer(
      {.name = "y", .role = Role::output, .shape = row.batched(batch), .dtype = dtype, .batch = true});
}

BufferId Lowering::input_gradient(const Shape& row) {
  if (prefix_ != first) return temporary("dx", row);
  return program.add_buffer({.name = "x.gradient",
                             .role = Role::output,
                             .shape = row.batched(batch),
                             .dtype = dtype,
                             .batch = true});
}

BufferId Lowering::parameter(const std::string& name, const Shape& shape) {
  const BufferId id = program.add_buffer(
      {.name = prefix_ + "." + name, .role = Role::parameter, .shape = shape, .dtype = dtype});
  owners_[id] = label_;
  return id;
}

BufferId Lowering::state(const std::string& name, const Shape& shape) {
  return program.add_buffer(
      {.name = prefix_ + "." + name, .role = Role::state, .shape = shape, .dtype = dtype});
}

BufferId Lowering::scalar(const std::string& name, DType type) {
  return program.add_buffer({.name = name, .role = Role::scalar, .shape = {}, .dtype = type});
}

BufferId Lowering::gradient(BufferId parameter) {
  const Buffer of = program[parameter];
  return program.add_buffer({.name = of.name + ".gradient",
                             .role = accumulate || keep_gradients ? Role::state : Role::temporary,
                             .shape = of.shape,
                             .dtype = of.dtype,
                             .like = parameter});
}

void Lowering::add(const std::string& what, const Spec& spec, std::initializer_list<BufferId> buffers) {
  program.add(what.empty() ? label_ : label_ + " " + what, spec, buffers);
}

void Lowering::later(std::function<void()> work) {
  flush();
  later_ = [this, work = std::move(work), layer = layer_, prefix = prefix_, label = label_] {
    const auto here = std::tuple(layer_, prefix_, label_);
    enter(layer, prefix, label);
    work();
    std::tie(layer_, prefix_, label_) = here;
  };
}

void Lowering::flush() {
  if (later_) std::exchange(later_, nullptr)();
}

void Lowering::finish(BufferId parameter) {
  trained.push_back(parameter);
  if (update) add_update(parameter);
}

void Lowering::add_update(BufferId parameter) {
  const Buffer of = program[parameter];
  const Shape matrix = matrix_shape(of.shape);
  UpdateSpec spec = update_spec;
  spec.m = matrix.rows();
  spec.n = matrix.columns();
  spec.dtype = of.dtype;
  if (of.shape.rank() < 2) spec.l1 = spec.l2 = 0;  // a bias: it is no weight of anything
  const auto remembered = [&](bool wanted, const char* name) {
    if (!wanted) return no_buffer;
    return program.add_buffer({.name = of.name + name,
                               .role = Role::state,
                               .shape = of.shape,
                               .dtype = of.dtype,
                               .like = parameter});
  };
  const BufferId first_state = remembered(spec.has_first(), ".first");
  const BufferId second_state = remembered(spec.has_second(), ".second");
  program.add(owners_.at(parameter) + " update " + of.name.substr(of.name.rfind('.') + 1), spec,
              {parameter, gradient(parameter), first_state, second_state, scalar("learning_rate", of.dtype),
               spec.has_moments() ? scalar("step", DType::i64) : no_buffer, clip_factor});
}

void Lowering::add_max_norm(BufferId parameter, double limit) {
  const Buffer of = program[parameter];
  if (of.shape.rank() < 2) return;
  const Shape matrix = matrix_shape(of.shape);
  program.add(owners_.at(parameter) + " max norm " + of.name.substr(of.name.rfind('.') + 1),
              MaxNormSpec{.m = matrix.rows(), .n = matrix.columns(), .limit = limit, .dtype = of.dtype},
              {parameter});
}

}  // namespace plexus

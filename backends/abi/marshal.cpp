#include "plexus/backends/abi/marshal.h"

#include <algorithm>
#include <cstring>

#include "plexus/backends/abi/pins.h"

namespace plexus::abi {
namespace {

// The variant's index is the family.
static_assert(std::is_same_v<std::variant_alternative_t<PLEXUS_MATMUL, CSpec>, plexus_matmul>);
static_assert(std::is_same_v<std::variant_alternative_t<PLEXUS_ACTIVATION, CSpec>, plexus_activation>);
static_assert(std::is_same_v<std::variant_alternative_t<PLEXUS_ACTIVATION_GRADIENT, CSpec>,
                             plexus_activation_gradient>);
static_assert(std::is_same_v<std::variant_alternative_t<PLEXUS_LOSS, CSpec>, plexus_loss>);
static_assert(std::is_same_v<std::variant_alternative_t<PLEXUS_DROPOUT, CSpec>, plexus_dropout>);
static_assert(std::is_same_v<std::variant_alternative_t<PLEXUS_REDUCE, CSpec>, plexus_reduce>);
static_assert(std::is_same_v<std::variant_alternative_t<PLEXUS_CLIP, CSpec>, plexus_clip>);
static_assert(std::is_same_v<std::variant_alternative_t<PLEXUS_SCALE, CSpec>, plexus_scale>);
static_assert(std::is_same_v<std::variant_alternative_t<PLEXUS_UPDATE, CSpec>, plexus_update>);
static_assert(std::is_same_v<std::variant_alternative_t<PLEXUS_MAX_NORM, CSpec>, plexus_max_norm>);

uint8_t code(DType dtype) { return uint8_t(dtype); }
uint8_t code(Batch batch) { return uint8_t(batch); }

template <class S>
S sized() {
  S spec{};
  spec.struct_size = sizeof(S);
  return spec;
}

// A family that is new in core/spec/spec.h does not compile until it has its case here.

CSpec marshal(const MatmulSpec& s) {
  auto c = sized<plexus_matmul>();
  c.form = uint8_t(s.form), c.batch = code(s.batch), c.bias = s.bias, c.accumulate = s.accumulate;
  c.m = s.m, c.n = s.n, c.k = s.k;
  c.lda = s.operand(0).stride, c.ldb = s.operand(1).stride, c.ldc = s.operand(3).stride;
  c.a_type = code(s.a), c.b_type = code(s.b), c.c_type = code(s.c);
  return c;
}

template <class C, class S>
CSpec activation(const S& s) {
  auto c = sized<C>();
  c.kind = uint8_t(s.kind), c.batch = code(s.batch), c.dtype = code(s.dtype);
  c.m = s.m, c.n = s.n, c.alpha = s.alpha;
  return c;
}
CSpec marshal(const ActivationSpec& s) { return activation<plexus_activation>(s); }
CSpec marshal(const ActivationGradientSpec& s) { return activation<plexus_activation_gradient>(s); }

CSpec marshal(const LossSpec& s) {
  auto c = sized<plexus_loss>();
  c.kind = uint8_t(s.kind), c.batch = code(s.batch), c.dtype = code(s.dtype), c.gradient = s.gradient;
  c.m = s.m, c.n = s.n, c.delta = s.delta;
  c.class_weights = s.class_weights, c.sample_weights = s.sample_weights;
  return c;
}

CSpec marshal(const DropoutSpec& s) {
  auto c = sized<plexus_dropout>();
  c.batch = code(s.batch), c.dtype = code(s.dtype);
  c.m = s.m, c.n = s.n, c.rate = s.rate, c.stream = s.stream;
  return c;
}

CSpec marshal(const ReduceSpec& s) {
  auto c = sized<plexus_reduce>();
  c.kind = uint8_t(s.kind), c.batch = code(s.batch), c.dtype = code(s.dtype), c.accumulate = s.accumulate;
  c.m = s.m, c.n = s.n;
  return c;
}

CSpec marshal(const ClipSpec& s) {
  auto c = sized<plexus_clip>();
  c.dtype = code(s.dtype), c.limit = s.limit;
  return c;
}

CSpec marshal(const ScaleSpec& s) {
  auto c = sized<plexus_scale>();
  c.batch = code(s.batch), c.dtype = code(s.dtype), c.offset = s.offset;
  c.m = s.m, c.n = s.n;
  return c;
}

CSpec marshal(const UpdateSpec& s) {
  auto c = sized<plexus_update>();
  c.kind = uint8_t(s.kind), c.dtype = code(s.dtype), c.nesterov = s.nesterov;
  c.m = s.m, c.n = s.n;
  c.momentum = s.momentum, c.weight_decay = s.weight_decay, c.beta1 = s.beta1, c.beta2 = s.beta2,
  c.epsilon = s.epsilon;
  c.momentum_decay = s.momentum_decay, c.l1 = s.l1, c.l2 = s.l2, c.clip_value = s.clip_value;
  return c;
}

CSpec marshal(const MaxNormSpec& s) {
  auto c = sized<plexus_max_norm>();
  c.dtype = code(s.dtype), c.m = s.m, c.n = s.n, c.limit = s.limit;
  return c;
}

/// The first minor version that can say what the operation means.
uint32_t least_minor(const Spec& spec) {
  if (const auto* s = std::get_if<UpdateSpec>(&spec))
    return s->kind > UpdateKind::adagrad || s->l1 != 0 || s->l2 != 0 || s->clip_value != 0;
  return std::holds_alternative<MaxNormSpec>(spec);
}

/// The first and the last operation of the program that touch a buffer.
struct Use {
  size_t first = SIZE_MAX, last = 0;
};

std::vector<Use> uses(const Program& program) {
  std::vector<Use> result(program.buffers().size());
  for (size_t i = 0; i < program.operations().size(); i++)
    for (const BufferId id : program.operations()[i].buffers)
      if (id != no_buffer) {
        Use& use = result[size_t(id)];
        use.first = std::min(use.first, i);
        use.last = i;
      }
  return result;
}

plexus_tensor tensor(const Operand& operand, BufferId buffer) {
  plexus_tensor t{};
  t.struct_size = sizeof t;
  t.buffer = buffer;
  t.dtype = code(operand.dtype), t.access = uint8_t(operand.access), t.memory = PLEXUS_MEMORY_HOST;
  t.rank = 2;
  t.flags = operand.batch ? uint32_t(PLEXUS_TENSOR_BATCH) : 0;
  t.size[0] = operand.rows, t.size[1] = operand.columns;
  t.stride[0] = operand.stride, t.stride[1] = 1;
  return t;
}

}  // namespace

Marshalled::Marshalled(const Run& run, uint32_t minor) {
  size_t count = 0, slots = 0;
  while (count < run.size() && !layout(run[count].spec) && least_minor(run[count].spec) <= minor)
    slots += run[count++].buffers.size();
  specs_.reserve(count), operations_.reserve(count), pointers_.reserve(count);
  tensors_.reserve(slots), slots_.reserve(slots);

  const Program& program = run.program();
  const std::vector<Use> touched = uses(program);
  for (size_t i = 0; i < count; i++) {
    const Operation& operation = run[i];
    const CSpec& spec =
        specs_.emplace_back(std::visit([](const auto& s) { return marshal(s); }, operation.spec));
    const size_t first_slot = slots_.size();
    for (size_t slot = 0; slot < operation.buffers.size(); slot++) {
      const BufferId id = operation.buffers[slot];
      if (id == no_buffer) {
        slots_.push_back(nullptr);
        continue;
      }
      plexus_tensor& t = tensors_.emplace_back(tensor(operand(operation.spec, slot), id));
      const Use use = touched[size_t(id)];
      const bool inside =
          program[id].role == Role::temporary && use.first >= run.first() && use.last < run.first() + count;
      t.last_use = inside ? int32_t(use.last - run.first()) : PLEXUS_USED_ELSEWHERE;
      slots_.push_back(&t);
    }
    operations_.push_back({.struct_size = sizeof(plexus_operation),
                           .family = uint32_t(spec.index()),
                           .spec = std::visit([](const auto& s) -> const void* { return &s; }, spec),
                           .tensors = slots_.data() + first_slot,
                           .slots = uint32_t(operation.buffers.size()),
                           .row_counts_size = uint32_t(program.row_counts.size()),
                           .row_counts = program.row_counts.data()});
    pointers_.push_back(&operations_.back());
  }
}

int64_t batch_size(const Spec& spec) {
  return std::visit(
      [](const auto& s) -> int64_t {
        if constexpr (requires { s.k; })
          if (s.batch == Batch::k) return s.k;
        if constexpr (requires { s.batch; })
          if (s.batch == Batch::m) return s.m;
        return 0;
      },
      spec);
}

Deviations deviations(const plexus_deviations* declared) {
  if (!declared) return {};
  plexus_deviations c{};
  std::memcpy(&c, declared, std::min<size_t>(declared->struct_size, sizeof c));
  return {.rows = c.rows,
          .elementwise_relative = c.elementwise_relative,
          .elementwise_absolute = c.elementwise_absolute};
}

}  // namespace plexus::abi

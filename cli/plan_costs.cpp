#include "plexus/cli/plan_costs.h"

#include "plexus/core/random.h"

namespace plexus::cli {

void fill(Plan& plan, Store& store, int64_t classes) {
  const Program& program = plan.program();
  for (const Buffer& buffer : program.buffers()) {
    if (buffer.role != Role::input) continue;
    const int64_t count = buffer.shape.elements();
    const RandomStream random(0, Purpose::user);
    if (buffer.dtype == DType::f32)
      for (int64_t i = 0; i < count; i++)
        plan.data<float>(buffer.name)[i] = static_cast<float>(random.normal(static_cast<uint64_t>(i)));
    if (buffer.dtype == DType::i32)
      for (int64_t i = 0; i < count; i++) plan.data<int32_t>(buffer.name)[i] = static_cast<int32_t>(i % classes);
  }
  if (store.contains("learning_rate")) store.scalar<float>("learning_rate") = 0;
  for (const char* counter : {"step", "pass"})  // updates divide by what follows from them
    if (store.contains(counter)) store.scalar<int64_t>(counter) = 1;
}

}  // namespace plexus::cli

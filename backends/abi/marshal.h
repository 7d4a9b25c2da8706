// Marshal: operations of a program as structs of the C ABI. The one place that knows both worlds.
#pragma once
#include <variant>
#include <vector>

#include "plexus/backends/abi/plexus_backend.h"
#include "plexus/core/backend.h"

namespace plexus::abi {

using CSpec = std::variant<plexus_matmul, plexus_activation, plexus_activation_gradient, plexus_loss, plexus_dropout,
                           plexus_reduce, plexus_clip, plexus_scale, plexus_update, plexus_max_norm>;

/// The first operations of a run up to the first that has no C form for a backend of this minor version: one whose parameter
/// is packed, or that means what only a later version can say.
class Marshalled {
 public:
  Marshalled(const Run& run, uint32_t minor);
  const plexus_operation* const* operations() const { return pointers_.data(); }
  int32_t size() const { return int32_t(pointers_.size()); }

 private:
  // The structs point at each other: none of these vectors grows beyond what it reserves.
  std::vector<CSpec> specs_;
  std::vector<plexus_tensor> tensors_;
  std::vector<const plexus_tensor*> slots_;
  std::vector<plexus_operation> operations_;
  std::vector<const plexus_operation*> pointers_;
};

/// The size of the spec's batch dimension, which Call::rows replaces; 0 where it has none.
int64_t batch_size(const Spec& spec);

Deviations deviations(const plexus_deviations* declared);

}  // namespace plexus::abi

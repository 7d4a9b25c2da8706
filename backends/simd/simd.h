// The simd backend: vector code for every instruction set in one build (Highway), chosen for each context at run time. Has
// every family of operations, in f32.
#pragma once
#include <memory>

#include "plexus/core/backend.h"
#include "plexus/core/cpu.h"
#include "plexus/core/executor.h"

namespace plexus::simd {

/// `isa`: the most that may be used. It must be one that this CPU has.
std::unique_ptr<const Backend> make_backend(std::shared_ptr<const Executor> executor, Isa isa);

/// What kernels are made with.
struct Machine {
  const Executor& executor;
  Isa isa;
};

/// One matcher a kind of kernel: a claim of the first operations of the run where they are its kind, else an empty one.
/// Each in the file of its family.
Claim claim_weight_step(const Run& rest, const Machine& machine);
Claim claim_matmul_activation(const Run& rest, const Machine& machine);
Claim claim_matmul_activation_gradient(const Run& rest, const Machine& machine);
Claim claim_matmul(const Run& rest, const Machine& machine);
Claim claim_activation(const Run& rest, const Machine& machine);
Claim claim_activation_gradient(const Run& rest, const Machine& machine);
Claim claim_loss(const Run& rest, const Machine& machine);
Claim claim_dropout(const Run& rest, const Machine& machine);
Claim claim_reduce(const Run& rest, const Machine& machine);
Claim claim_clip(const Run& rest, const Machine& machine);
Claim claim_scale(const Run& rest, const Machine& machine);
Claim claim_max_norm(const Run& rest, const Machine& machine);
Claim claim_update(const Run& rest, const Machine& machine);

}  // namespace plexus::simd

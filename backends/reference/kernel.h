// What all kernels of the reference share: the way from a row of addresses to a plain function over typed
// arrays.
#pragma once
#include <algorithm>
#include <cstring>
#include <memory>

#include "plexus/backends/reference/reference.h"

namespace plexus::reference {

/// What a function may use besides its operands.
struct Resources {
  const Executor& executor;
  void* workspace;
};

/// An operation as a plain function. The sizes in the spec are those of this run.
template <class S>
using Function = void (*)(const S& spec, const typename S::Args& args, const Resources& resources);

/// The spec with the true size of its batch dimension; `rows` < 0: its own.
template <class S>
S with_rows(S spec, int64_t rows) {
  if (rows < 0) return spec;
  if constexpr (requires { spec.batch; }) {
    if (spec.batch == Batch::m) spec.m = rows;
  }
  if constexpr (requires { spec.k; }) {
    if (spec.batch == Batch::k) spec.k = rows;
  }
  return spec;
}

template <class S>
class FunctionKernel final : public Kernel {
 public:
  FunctionKernel(const S& spec, Function<S> function, const Executor& executor, size_t workspace)
      : spec_(spec), function_(function), executor_(executor), workspace_(workspace) {}

  void run(void* const* buffers, const Call& call) const override {
    typename S::Args args;
    std::memcpy(static_cast<void*>(&args), buffers, sizeof(args));  // Args holds pointers only
    function_(with_rows(spec_, call.rows), args, {executor_, call.workspace});
  }
  size_t workspace() const override { return workspace_; }
  std::string describe() const override { return "plain loops, f64 accumulators"; }

 private:
  S spec_;
  Function<S> function_;
  const Executor& executor_;
  size_t workspace_;
};

/// The kernel that calls `f32` or `f64`, as `dtype` says; null for any other type. `workspace` in bytes.
template <class S>
KernelPointer typed_kernel(const S& spec, DType dtype, const Executor& executor, Function<S> f32,
                           Function<S> f64, size_t workspace = 0) {
  if (dtype != DType::f32 && dtype != DType::f64) return nullptr;
  return std::make_unique<FunctionKernel<S>>(spec, dtype == DType::f32 ? f32 : f64, executor, workspace);
}

/// Iterations that make one piece of a parallel loop, given the nanoseconds of one iteration. A piece shall
/// take about 20 us: handing one to another thread costs some 5 us, so that a shorter loop is over sooner on
/// the caller alone.
inline int64_t grain(double nanoseconds) {
  return std::max<int64_t>(1, int64_t(20000 / std::max(nanoseconds, 0.1)));
}

}  // namespace plexus::reference

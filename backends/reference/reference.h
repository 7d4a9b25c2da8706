// The reference backend: plain loops with double accumulators, f32 and f64 from one template. Has every kernel there is.
#pragma once
#include <memory>

#include "plexus/core/backend.h"
#include "plexus/core/executor.h"

namespace plexus::reference {

std::unique_ptr<const Backend> make_backend(std::shared_ptr<const Executor> executor);

/// One overload a spec; each in the file of its family. All specs arrive validated. Null where the element types have no kernel.
using KernelPointer = std::unique_ptr<const Kernel>;
KernelPointer make_kernel(const MatmulSpec&, const Executor&);
KernelPointer make_kernel(const ActivationSpec&, const Executor&);
KernelPointer make_kernel(const ActivationGradientSpec&, const Executor&);
KernelPointer make_kernel(const LossSpec&, const Executor&);
KernelPointer make_kernel(const DropoutSpec&, const Executor&);
KernelPointer make_kernel(const ReduceSpec&, const Executor&);
KernelPointer make_kernel(const ClipSpec&, const Executor&);
KernelPointer make_kernel(const ScaleSpec&, const Executor&);
KernelPointer make_kernel(const UpdateSpec&, const Executor&);
KernelPointer make_kernel(const MaxNormSpec&, const Executor&);

}  // namespace plexus::reference

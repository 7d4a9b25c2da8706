// What all kernels of this backend share.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "plexus/backends/abi/plexus_backend.hpp"
#include "plexus/backends/onednn/primitive.h"
#include "plexus/backends/onednn/row_counts.h"

namespace plexus::onednn {

using KernelPointer = std::unique_ptr<plugin::Kernel>;

/// What a kernel is made for.
struct Setting {
  RowCounts counts;
  int threads;
};

/// An operand of a primitive: the slot that its address comes from, and how far it moves from row to row; 0 for what all
/// rows share.
struct Moving {
  size_t slot;
  int64_t stride = 0;
};

using MakePrimitive = std::function<Primitive(int64_t rows)>;

/// Rows that do not know of each other. `operands` in the order of the primitives' own.
/// Throws what `make` throws, as all that follows here.
KernelPointer row_kernel(const Setting& setting, std::vector<Moving> operands, const MakePrimitive& make);

/// What a sum over rows makes: `m` rows of `n`, `stride` apart. `accumulate`: the sum starts at what is there.
struct Result {
  int64_t m, n, stride;
  bool accumulate;
};
/// A sum over rows. The result is the last of the operands; `add`: the primitive adds to it, otherwise it writes. Zeros where
/// there are no rows.
KernelPointer sum_kernel(const Setting& setting, std::vector<Moving> operands, const Result& result,
                         const std::function<Primitive(int64_t rows, bool add)>& make);

/// One overload a family; each in the file of its noun. Throws Unsupported, or dnnl::error.
KernelPointer make_kernel(const plexus_matmul&, const std::optional<plexus_activation>& following, const Setting&);
KernelPointer make_kernel(const plexus_activation&, const Setting&);
KernelPointer make_kernel(const plexus_activation_gradient&, const Setting&);
KernelPointer make_kernel(const plexus_reduce&, const Setting&);
KernelPointer make_kernel(const plexus_scale&, const Setting&);

/// Whether oneDNN has it. What it has by its reference implementation alone is found out when a primitive is made.
bool has(const plexus_activation&);
bool has(const plexus_activation_gradient&);
bool has(const plexus_reduce&);
/// Whether it can be part of another primitive: softmax looks at whole rows.
bool fuses(const plexus_activation&);

/// Adds an activation to what a primitive does to its result.
void append(dnnl::post_ops& post, const plexus_activation&);

}  // namespace plexus::onednn

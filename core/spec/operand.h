// What every spec says about the buffers that its operation reads and writes.
#pragma once
#include <cstdint>
#include <string>

#include "plexus/core/dtype.h"

namespace plexus {

class Layout;  // core/backend.h; a null pointer is the plain row-major layout

enum class Access : uint8_t { in, out, inout };

/// A slot of an operation: the name of one buffer and what happens to it. Every spec lists its slots in `slots`,
/// in the order of its `Args` and of the addresses that a kernel gets.
struct Slot {
  const char* name;
  Access access;
};

/// Which dimension of a spec varies from run to run; its true size is Call::rows, its size in the spec the maximum.
enum class Batch : uint8_t { none, m, k };

/// One slot of one spec in full: a matrix of `rows` x `columns`, `stride` elements from row to row.
struct Operand {
  DType dtype = DType::f32;
  int64_t rows = 0, columns = 0, stride = 0;
  bool batch = false;              ///< `rows` is the maximum; a run touches Call::rows of them
  bool used = true;                ///< false: the spec has no use for the slot, its buffer must be absent
  bool optional = false;           ///< may be absent
  Access access = Access::in;      ///< as in `slots`, sharpened by the spec (an accumulated output is inout)
  const Layout* layout = nullptr;
};

}  // namespace plexus

// One row of a plan on the reference, beside the kernel that runs it. Private to the core.
#pragma once
#include <map>
#include <vector>

#include "plexus/core/plan_build.h"

namespace plexus {

/// Elements of a buffer that a run of `rows` rows has to do with.
int64_t touched(const Buffer& buffer, int64_t rows);
/// A buffer without its layout; of a batch the first `rows` rows, zeros behind: a bound address may have no more.
Tensor plain_copy(const Buffer& buffer, const void* data, int64_t rows);
double element(const Tensor& tensor, int64_t i);

/// Largest relative difference that PLEXUS_CHECK=reference lets pass, in units of the largest value of the
/// buffer. A kernel that sums K products in another order differs by about sqrt(K) roundings (2^-24): 1e-4
/// leaves room for K = 10^6, while a wrong element, a lost tail or a missing bias shows as 1e-2 or more.
constexpr double check_tolerance = 1e-4;

struct Worst {
  double relative = 0;
  int64_t at = 0;
};
/// The first `count` elements; relative to the largest expected one.
Worst compare(const Tensor& got, const Tensor& expected, int64_t count);

/// Plain copies of all that a row touches, its operations one by one.
class Shadow {
 public:
  /// As things are before the row runs.
  Shadow(const PreparedProgram& prepared, const Plan::Row& row, const std::vector<void*>& addresses,
         size_t first_slot, int64_t rows);

  void run(const Backend& reference, int64_t rows);

  /// Calls visit(buffer, position in slots, access) for every slot of the row that has a buffer.
  template <class Visit>
  void for_each_slot(const PreparedProgram& prepared, size_t first_slot, const Visit& visit) const {
    size_t at = first_slot;
    for (size_t i = row_.first; i < row_.last; i++) {
      const Operation& operation = prepared.program.operations()[i];
      for (size_t slot = 0; slot < operation.buffers.size(); slot++, at++)
        if (operation.buffers[slot] != no_buffer)
          visit(operation.buffers[slot], at, operand(operation.spec, slot).access);
    }
  }

  const Tensor& operator[](BufferId id) const { return copies_.at(id); }
  std::map<BufferId, Tensor>& copies() { return copies_; }

 private:
  Program program_;  // without layouts
  const Plan::Row& row_;
  std::map<BufferId, Tensor> copies_;
};

}  // namespace plexus

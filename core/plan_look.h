// A kernel beside the reference: whether its results are those that the operations have. Private to the core.
#pragma once
#include <string>
#include <vector>

#include "plexus/core/plan.h"
#include "plexus/core/plan_shadow.h"

namespace plexus {

/// One row of a plan.
class Look {
 public:
  /// Before the kernel runs.
  Look(const PreparedProgram& prepared, size_t row, const std::vector<void*>& addresses, const Backend& reference,
       int64_t rows);
  /// After it has run. `where`: the worst element, as far as it is wrong; else the one that differs most; "" where all are equal.
  Plan::Difference compare_with_kernel() const;
  /// The reference's results where the kernel's would be.
  void replace() const;

 private:
  template <class Visit>
  void for_each_output(const Visit& visit) const {
    shadow_.for_each_slot(prepared_, first_slot_, [&](BufferId id, size_t at, Access access) {
      if (access != Access::in && addresses_[at]) visit(id, addresses_[at]);
    });
  }
  Plan::Difference judge(BufferId id, const Tensor& got) const;
  std::string place(BufferId id, int64_t at, const Tensor& got) const;
  double size_within_loss(BufferId id) const;

  const PreparedProgram& prepared_;
  const Plan::Row& row_;
  size_t number_;
  const std::vector<void*>& addresses_;
  size_t first_slot_;
  const Backend& reference_;
  int64_t rows_;
  Shadow shadow_, before_;
};

}  // namespace plexus

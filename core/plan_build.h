// The slow half of a plan: layouts, claims, kernels, memory. Private to the core.
#pragma once
#include <memory>
#include <vector>

#include "plexus/core/plan.h"

namespace plexus {

/// A program with everything decided; shared by a plan and its forks.
struct PreparedProgram {
  /// What a run walks over: a kernel, and where its addresses begin.
  struct Step {
    const Kernel* kernel;
    size_t first_slot;
  };

  Program program;
  std::vector<Plan::Row> rows;
  std::vector<std::unique_ptr<const Kernel>> kernels;  // one a row
  std::vector<Step> steps;                             // one a row
  std::vector<BufferId> slots;       // slot after slot of all rows; no_buffer: unused, or internal to its row
  std::vector<size_t> offsets;       // of each buffer: in `exchange` for inputs and outputs, in `arena` for temporaries
  size_t exchange_bytes = 0;         // inputs and outputs: never shared, never moved
  size_t arena_bytes = 0;            // temporaries, by the time they live, and the workspace
  size_t workspace_offset = 0;
  uint64_t store_version = 0;
  uint64_t quarantines = 0;          // Context::quarantines() as it was
};

/// Decides layouts for all programs together, and prepares each. Adds to the store what is not there yet.
std::vector<std::shared_ptr<const PreparedProgram>> prepare_programs(const Context& context, Store& store,
                                                                     std::vector<Program> programs);

}  // namespace plexus

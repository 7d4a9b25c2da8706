// What a plan has for itself beside what it shares with its forks. Private to the core.
#pragma once
#include <atomic>

#include "plexus/core/plan.h"
#include "plexus/core/plan_build.h"
#include "plexus/core/plan_sample.h"

namespace plexus {

struct Plan::State {
  State(const Context& context, Store& store, std::shared_ptr<const PreparedProgram> prepared);

  Context context;
  Store* store;
  std::shared_ptr<const PreparedProgram> prepared;
  std::vector<Row> rows;          // with this plan's own times
  std::vector<void*> addresses;   // one for each of prepared->slots
  std::vector<void*> bound;       // addresses given by the caller, by buffer
  Tensor exchange, arena;
  Call call;
  std::atomic<bool> forked = false;  // shares its kernels with a plan that may be running now: never prepares itself again for
                                  // a quarantine, since layouts may change
  PlanSampler sampler;            // Check::sample

  void begin(int64_t count);
  void adopt();
  void* address(BufferId id) const;
  BufferId exchanged(const std::string& name) const;
};

}  // namespace plexus

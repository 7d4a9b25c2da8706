// What a plan has for itself beside what it shares with its forks. Private to the core.
#pragma once
#include <atomic>
#include <map>

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
  /// An input or output: callers bind some for every run.
  struct Exchanged {
    std::string name;
    BufferId id;
    std::vector<size_t> slots;  // where its address is
  };
  std::vector<Exchanged> exchanged;
  Call call;
  std::atomic<bool> forked = false;  // shares its kernels with a plan that may be running now: never prepares itself again for
                                  // a quarantine, since layouts may change
  PlanSampler sampler;            // Check::sample
  const bool watched;             // runs do more than running their kernels
  bool timed = false;             // this one looks at the clock
  bool recorded = false;          // and goes into the profile
  std::map<int64_t, std::vector<const std::string*>> texts;  // of rows in the profile, by the number of rows of the batch

  void run_row(size_t r) {
    if (timed) return run_row_timed(r);
    const PreparedProgram::Step& step = prepared->steps[r];
    step.kernel->run(&addresses[step.first_slot], call);
  }
  void run_rows() {
    for (size_t r = 0; r < prepared->steps.size(); r++) run_row(r);
  }
  void run_row_timed(size_t r);
  void describe_rows();
  void begin(int64_t count);
  void adopt();
  void* address(BufferId id) const;
  const Exchanged& find(const std::string& name) const;
};

}  // namespace plexus

#include "plexus/bench/reporter.h"

namespace plexus::bench {

bool Reporter::ReportContext(const Context& context) {
  inner_.SetOutputStream(&GetOutputStream());
  inner_.SetErrorStream(&GetErrorStream());
  return inner_.ReportContext(context);
}

void Reporter::ReportRuns(const std::vector<Run>& runs) {
  std::vector<Run> renamed = runs;
  for (Run& run : renamed) run.run_name.time_type.clear();
  inner_.ReportRuns(renamed);
}

}  // namespace plexus::bench

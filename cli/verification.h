// Verification: the conformance suite on one backend, each family and mode in a process of its own.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "plexus/backends/conformance/suite.h"

namespace plexus::cli {

/// Whom to look at, and the limits.
struct Subject {
  std::string backend = {};  ///< a name; empty where `plugin` is given
  std::string plugin = {};   ///< an absolute path
  double time_limit = 20;  ///< seconds a case may take
};

/// Consecutive cases of one family and mode.
struct Range {
  std::string family;
  conformance::Mode mode = conformance::Mode::exact;
  uint64_t first = 0, count = 0;
};

struct Failure {
  conformance::CaseName name;
  std::string message;
};

/// What became of a range.
struct Outcome {
  Range range;
  uint64_t ran = 0, absent = 0;  ///< cases that were run; that the backend does not have
  uint64_t excusable = 0;        ///< of those that passed: in whose operation the backend declares to deviate
  double worst = 0;              ///< the largest error of a case that passed, as a share of its bound
  std::vector<Failure> failures = {};
  bool complete = true;  ///< false: given up after so many failures
};

/// The backend as a process of its own found it.
struct Portrait {
  std::string name, description, deviations, note;
};

/// Loads the backend in a process of its own. Throws what went wrong there; Error where the process did not survive.
Portrait load(const Subject& subject);

/// Runs a range in as many processes as it takes: one that crashes, hangs or throws costs its case. Gives up after a few failures:
/// one wrong kernel fails thousands of cases.
Outcome verify(const Subject& subject, const Range& range);

/// The child's part: loads the backend, runs the range (none: loads only) and reports. Returns its exit code.
int run_reporting(const Subject& subject, const std::optional<Range>& range);

}  // namespace plexus::cli

// Check: runs one case on one backend between guards and compares with the oracle.
#pragma once
#include <string>

#include "plexus/backends/conformance/cases.h"
#include "plexus/core/backend.h"

namespace plexus::conformance {

enum class Status : uint8_t { pass, fail, not_supported };

struct Result {
  Status status = Status::pass;
  std::string message;  ///< fail: the case, the worst element, expected, actual, bound; what was overrun
  double error = 0;     ///< the largest |actual - expected| / bound over elements with a bound above 0
  explicit operator bool() const { return status != Status::fail; }
};

/// A case with its operands and what it should give: made once, compared with as many runs as one likes.
struct Exercise {
  std::string name;
  Spec spec;
  int64_t rows = -1;
  Values inputs, expected, magnitudes;
  bool exact = false;  ///< every value must be the expected one; otherwise within the tolerance of its family
};
Exercise make_exercise(const Case& c);

/// Compares what a kernel gave: classes (NaN, +-infinity) exactly, values within their bounds, exact ones to the last bit; what
/// the backend declares to deviate in is excused (allowance.h). A `problem` that run() found is a failure.
Result compare(const Backend& backend, const Kernel& kernel, const Exercise& exercise, const Values& actual,
               const std::string& problem);

/// Runs the case between guards and compares. Fails too where the kernel wrote outside its outputs, changed an input, touched
/// rows beyond the true count, or left an output unwritten. Throws ShapeError where the spec is not valid.
Result check(const Backend& backend, const Case& c);

/// The same with operands and outputs given: `expected` holds a matrix for each output, true rows only.
Result check(const Backend& backend, const std::string& name, const Spec& spec, int64_t rows, const Values& inputs,
             const Values& expected, bool exact, Placement placement = Placement::before_guard);

/// The outputs of a kernel, as double, true rows only. Problems with guards go to `problem`. The workspace holds `workspace` in
/// every byte: 0xff is NaN.
Values run(const Kernel& kernel, const Spec& spec, int64_t rows, const Values& inputs, Placement placement,
           uint64_t seed, std::string& problem, uint8_t workspace = 0xff);

/// "" where both have the same bits (any NaN is like any other); else the first difference: "c[1,2] is 3, was 4".
std::string difference(const Spec& spec, const Values& now, const Values& before);

}  // namespace plexus::conformance

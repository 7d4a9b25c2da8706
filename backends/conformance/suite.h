// Suite: all that a backend is held to, as numbered cases: what `plexus verify` runs.
#pragma once
#include <string>
#include <vector>

#include "plexus/backends/conformance/edges.h"
#include "plexus/backends/conformance/modes.h"

namespace plexus::conformance {

/// What is looked at.
enum class Mode : uint8_t {
  exact,        ///< operands for which there is one right result
  real,         ///< real numbers, every fourth case with NaN and infinities among them, against derived bounds
  edges,        ///< semantics that are easy to get wrong
  memory,       ///< every placement and misalignment, and whatever the workspace holds
  threads,      ///< large cases: 1 to 8 threads, and many threads in one kernel at once
  environment,  ///< what belongs to the process stays as it was
  fused,        ///< what runs as one kernel has the bits of the same kernels one by one
};
inline constexpr int mode_count = 7;

/// "exact", "float", "edges", "memory", "threads", "environment", "fused".
std::string to_string(Mode mode);

/// A case by its name: "matmul/exact/17".
struct CaseName {
  std::string family;
  Mode mode = Mode::exact;
  uint64_t number = 0;
};
std::string to_string(const CaseName& name);
/// Throws ArgumentError: the parts, and what each may be.
CaseName parse_case_name(const std::string& text);

/// The cases of one family and mode on one backend.
class Suite {
 public:
  Suite(std::string family, Mode mode, MakeContext make_context);

  /// How many cases there are where a family gets `cases` random ones: as many in the modes exact and float, a share of them
  /// where a case takes longer, and all there are of the edges. Of the mode fused there are cases in the family that pieces begin with, matmul.
  static uint64_t count(const std::string& family, Mode mode, uint64_t cases);

  const Backend& backend() const { return context_.chosen(); }
  const Spec& spec(uint64_t number);
  /// The case in one line. Number: any; edges: below count().
  std::string describe(uint64_t number);
  /// Runs it. What the backend throws comes through.
  Result run(uint64_t number);

 private:
  void choose(uint64_t number);

  std::string family_;
  Mode mode_;
  MakeContext make_context_;
  Context context_;
  std::vector<Edge> edges_;
  Case case_;
};

}  // namespace plexus::conformance

// Verification: whether a computation gave what it should, before anybody times it.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "plexus/backends/conformance/values.h"
#include "plexus/core/deviations.h"
#include "plexus/core/program.h"

namespace plexus::bench {

/// Expected results of a program's operations by the oracle of the conformance tests, and their bounds. The second operation
/// may be a relu, or its gradient, of the first one's result.
///
/// A large product would take the oracle minutes, so of one above 2^22 multiplications it evaluates some rows and some columns
/// of the result in full: the first, the last and random ones, which are right or wrong as exactly as all others would be. So
/// every row and every column is looked at in some places. Of elementwise operations above 2^16 elements, some rows.
class Verification {
 public:
  /// Before the run. `data`: the address of every buffer, plain; null for temporaries.
  Verification(const Program& program, std::span<const void* const> data);
  /// After it. "" or the worst element: "c[3,17] is 1.5, expected 1.25 (error 0.25, bound 1e-06; 3 of 4096 wrong)".
  std::string compare(std::span<const void* const> data, const Deviations& declared) const;

 private:
  /// Those rows and columns of the results that are looked at.
  struct Block {
    std::vector<int64_t> rows, columns;
  };
  struct Expected {
    Spec spec;                    ///< of the block alone
    size_t slot;
    BufferId buffer;
    int64_t stride;               ///< of the buffer
    std::vector<int64_t> rows, columns;
    conformance::Values inputs;
    conformance::Matrix values, bounds;
  };
  static std::vector<Block> blocks(const Spec& spec);
  void expect(const Program& program, std::span<const void* const> data, const Block& block);

  std::vector<Expected> expected_;
};

}  // namespace plexus::bench

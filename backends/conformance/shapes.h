// Shapes: the one table that tests, `plexus verify` and the benchmarks share.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "plexus/core/random.h"

namespace plexus::conformance {

/// c[m,n] = a[m,k] b[k,n]
struct MatmulShape {
  int64_t m = 0, n = 0, k = 0;
  bool operator==(const MatmulShape&) const = default;
};

/// A fully connected network: the widths of its input, hidden layers and output.
struct Network {
  std::string name;  ///< "784-128-10"
  std::vector<int64_t> widths;
};

std::span<const int64_t> squares();         ///< 64 to 2048
std::span<const Network> networks();        ///< what people train on CPUs
std::span<const int64_t> batch_sizes();     ///< 1 to 1024
std::span<const int64_t> element_counts();  ///< 1e2 to 1e7, for elementwise kernels

/// Forward products of every layer of a network at one batch size.
std::vector<MatmulShape> layer_shapes(const Network& network, int64_t batch);
/// Skinny, short and odd products on which blocked kernels are weakest.
std::span<const MatmulShape> special_shapes();
/// All of the above, each once.
std::vector<MatmulShape> matmul_shapes();

/// Sizes around the widths of registers, tiles and blocks. `position` picks one that is not above `limit` (>= 0).
std::span<const int64_t> odd_sizes();
int64_t odd_size(const RandomStream& random, uint64_t position, int64_t limit);

}  // namespace plexus::conformance

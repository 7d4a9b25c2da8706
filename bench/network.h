// Network: those of the shape table, with random rows to train and to predict from.
#pragma once
#include <string>

#include "plexus/backends/conformance/shapes.h"
#include "plexus/bench/suite.h"
#include "plexus/core/plan.h"
#include "plexus/layers/sequential.h"
#include "plexus/trainer/dataset.h"

namespace plexus::bench {

/// Dense layers with a relu between each two, built.
Sequential make_network(const conformance::Network& network);

/// Random rows in [-1, 1).
Tensor random_rows(const conformance::Network& network, int64_t rows);
/// The same, with random classes.
Dataset random_dataset(const conformance::Network& network, int64_t rows);

/// Rows of this program of which the reference makes at most 2^31 operations, a second or two: the network is compared on so
/// many of them. All that are timed, where it is not large and they are not many.
int64_t rows_to_verify(const Program& program);

/// How far a result may be from the reference's, relative to the largest value: what PLEXUS_CHECK=reference lets pass. The
/// kernels by themselves are held to the bounds of the conformance tests (Verification).
inline constexpr double network_tolerance = 1e-4;

/// Throws Error where the first rows of `outputs` are not what the reference makes of the first rows of `inputs`.
void verify_outputs(const Sequential& network, const Tensor& inputs, const float* outputs, int64_t rows);

/// Which backends run the rows of a plan: "simd 6, reference 1".
std::string backends_of(const Plan& plan);

}  // namespace plexus::bench

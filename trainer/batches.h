// Batches: rows of a data set in the inputs of a plan. Private.
#pragma once
#include <span>

#include "plexus/core/executor.h"
#include "plexus/trainer/dataset.h"

namespace plexus {

/// shuffled(), in place: `order` becomes the order of the epoch, whatever it held.
void shuffle(std::span<int64_t> order, uint64_t seed, int64_t epoch);

/// Writes the features of `rows` one after another to `out`, of type f32 or f64. Allocates nothing.
void gather_features(const Executor& executor, const Dataset& data, std::span<const int64_t> rows, DType dtype,
                     void* out);
/// The same for targets: class numbers to i32, real targets to f32 or f64.
void gather_targets(const Executor& executor, const Dataset& data, std::span<const int64_t> rows, DType dtype,
                    void* out);
/// Rows [first, first + count) of a matrix of f32, u8 or f64.
void gather_rows(const Executor& executor, const Tensor& matrix, int64_t first, int64_t count, DType dtype, void* out);

}  // namespace plexus

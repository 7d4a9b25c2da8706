// First values of parameters: a function of (seed, layer), never of the order of calls.
#pragma once
#include <cstdint>
#include <string>
#include <variant>

#include "plexus/core/tensor.h"
#include "plexus/export.h"

namespace plexus {

/// He et al. 2015: for ReLU and its relatives. Normal with sd sqrt(2/fan_in), uniform within sqrt(6/fan_in).
struct HeNormal {};
struct HeUniform {};
/// Glorot, Bengio 2010: for tanh and sigmoid. sd sqrt(2/(fan_in+fan_out)), uniform within sqrt(6/(fan_in+fan_out)).
struct GlorotNormal {};
struct GlorotUniform {};
/// LeCun et al. 1998: for selu. sd sqrt(1/fan_in), uniform within sqrt(3/fan_in).
struct LecunNormal {};
struct LecunUniform {};
struct Uniform {
  double low = -0.05, high = 0.05;   ///< Keras' default
};
struct Normal {
  double mean = 0, deviation = 0.05; ///< Keras' default
};
struct Zeros {};
struct Constant {
  double value = 0;
};

using Initializer = std::variant<HeNormal, HeUniform, GlorotNormal, GlorotUniform, LecunNormal, LecunUniform, Uniform,
                                 Normal, Zeros, Constant>;

/// Fills `tensor` (f32 or f64); position i of the stream (seed, initialize, 2 * layer + which) belongs to element i.
/// Throws ArgumentError for fans below 1, and for bounds or deviations that make no distribution.
PLEXUS_EXPORT void fill(Tensor& tensor, const Initializer& initializer, int64_t fan_in, int64_t fan_out, uint64_t seed,
                        uint32_t layer, uint32_t which);

}  // namespace plexus

// Network: the one that the flags describe.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "plexus/cli/app.h"
#include "plexus/layers/one_hot.h"
#include "plexus/layers/sequential.h"

namespace plexus::cli {

/// Hidden layers by name: "256,relu,dropout:0.2,tanh". A number is a linear layer of so many outputs; an empty list is no
/// hidden layer. Throws ArgumentError with the closest match.
std::vector<std::unique_ptr<Layer>> parse_layers(const std::string& list);

/// Preprocessing that the data need before they are scaled.
struct Encoding {
  Categories categories = {};  ///< of the rows to train on; empty: no column holds text
  bool impute = false;         ///< missing values are filled in
};

/// OneHot and Impute where they are needed, Standardize, Flatten where rows are no vectors, the hidden layers, and a linear
/// head. Built, with first values from `seed`.
Sequential make_network(std::vector<std::unique_ptr<Layer>> hidden, const Shape& input, int64_t outputs, uint64_t seed,
                        const Encoding& encoding = {});

/// A network without data, as plan and tune have it.
struct NetworkFlags {
  std::string layers = "128,relu";
  int64_t batch = 32, input = 784, classes = 10;
};
void add_flags(App& app, NetworkFlags& flags);
/// Throws as parse_layers.
Sequential make_network(const NetworkFlags& flags);

/// Names that parse_layers knows, for --help.
std::string layer_names();

}  // namespace plexus::cli

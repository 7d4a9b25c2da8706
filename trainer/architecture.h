// Architecture: what a model file says beside its tensors, as JSON. Private.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "plexus/layers/sequential.h"

namespace plexus {

/// A model without its values.
struct Architecture {
  DType dtype = DType::f32;
  Shape input;  // of a row
  std::vector<std::unique_ptr<Layer>> layers;
  Schema schema;
};

/// One JSON object. Throws ArgumentError for a layer that files have no name for, DataError for text that is not UTF-8.
std::string to_json(const Sequential& network);

/// Reads it again. Throws FormatError, naming `file`.
Architecture parse_architecture(const std::string& file, std::string_view json);

/// What of the schema does not fit the network; empty: nothing.
std::string misfit(const Schema& schema, const Shape& input, const Shape& output);

}  // namespace plexus

#include "plexus/trainer/model_file.h"

#include <cmath>
#include <map>

#include "plexus/core/error.h"
#include "plexus/io/safetensors.h"
#include "plexus/trainer/architecture.h"
#include "plexus/trainer/names.h"

namespace plexus {
namespace {

const std::string metadata_key = "plexus";

/// A value of a network: its name in store and file, its shape in the file.
struct Value {
  std::string name;
  Shape shape;
  bool transposed = false;  // against the store
};

/// Parameters and what preprocessing has learnt, in the order of the layers. Matrices are [out, in] in files,
/// as PyTorch has them. `input`: shape of a row.
std::vector<Value> values_of(const Sequential& network, const Shape& input) {
  std::vector<Value> values;
  Shape shape = input;
  for (size_t i = 0; i < network.size(); ++i) {
    const std::string prefix = network.prefix(i) + ".";
    for (const auto& [name, s] : network[i].parameters(shape)) {
      const bool matrix = s.rank() == 2;
      values.push_back({prefix + name, matrix ? Shape{s[1], s[0]} : s, matrix});
    }
    for (const auto& [name, s] : network[i].states(shape)) values.push_back({prefix + name, s});
    shape = network[i].output_shape(shape);
  }
  return values;
}

template <class T>
void transpose(const Tensor& from, Tensor& to) {
  const int64_t rows = from.shape()[0], columns = from.shape()[1];
  const T* in = from.values<T>().data();
  T* out = to.values<T>().data();
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) out[j * rows + i] = in[i * columns + j];
}

Tensor transposed(const Tensor& matrix) {
  Tensor result = Tensor::uninitialized(matrix.dtype(), {matrix.shape()[1], matrix.shape()[0]});
  if (matrix.dtype() == DType::f64)
    transpose<double>(matrix, result);
  else
    transpose<float>(matrix, result);
  return result;
}

/// "NaN" or "infinity" where the tensor holds one; else empty.
std::string blemish(const Tensor& tensor) {
  const auto find = [](auto values) -> std::string {
    for (const auto value : values)
      if (!std::isfinite(value)) return std::isnan(value) ? "NaN" : "infinity";
    return "";
  };
  return tensor.dtype() == DType::f64 ? find(tensor.values<double>()) : find(tensor.values<float>());
}

std::string described(DType dtype, const Shape& shape) {
  return std::string(to_string(dtype)) + " " + to_string(shape);
}

/// The file's tensors in the order of the values that they are: all of them, and no others.
std::vector<const Tensor*> match(const std::string& file, const std::vector<Value>& values, DType dtype,
                                 const std::vector<NamedTensor>& tensors) {
  std::map<std::string, const Tensor*> unused;
  for (const NamedTensor& tensor : tensors) unused.emplace(tensor.name, &tensor.tensor);
  std::vector<const Tensor*> matches;
  for (const Value& value : values) {
    const std::string place = "tensor " + in_quotes(value.name);
    const auto found = unused.find(value.name);
    if (found == unused.end()) throw FormatError(file, place, "missing: the architecture needs it");
    const Tensor& tensor = *found->second;
    if (tensor.dtype() != dtype || !(tensor.shape() == value.shape))
      throw FormatError(file, place,
                        "expected " + described(dtype, value.shape) + ", found " +
                            described(tensor.dtype(), tensor.shape()));
    if (const std::string bad = blemish(tensor); !bad.empty())
      throw FormatError(file, place, "holds " + bad + ": predictions would be worthless");
    matches.push_back(&tensor);
    unused.erase(found);
  }
  if (!unused.empty())
    throw FormatError(file, "tensor " + in_quotes(unused.begin()->first),
                      "the architecture has no place for it");
  return matches;
}

}  // namespace

void save(const Sequential& network, const std::string& path) {
  if (!network.built()) throw ArgumentError("save: the network is not built: fit it first");
  network.require_fitted();
  if (const std::string problem = misfit(network.schema(), network.input_shape(), network.output_shape());
      !problem.empty())
    throw ArgumentError("save: " + problem + ": correct the network's schema");
  Safetensors file;
  file.metadata[metadata_key] = to_json(network);
  for (const Value& value : values_of(network, network.input_shape())) {
    Tensor tensor = network.store().get(value.name);
    if (const std::string found = blemish(tensor); !found.empty())
      throw DataError("save: " + value.name + " holds " + found +
                      ": train again, with a lower learning rate");
    file.tensors.push_back({value.name, value.transposed ? transposed(tensor) : std::move(tensor)});
  }
  save_safetensors(path, file);
}

Sequential load_model(const std::string& path) {
  const Safetensors file = load_safetensors(path);
  const auto text = file.metadata.find(metadata_key);
  if (text == file.metadata.end())
    throw FormatError(
        path, "",
        "no model: tensors without the metadata '" + metadata_key + "', which says of what network they are");
  Architecture architecture = parse_architecture(path, text->second);
  try {
    Sequential network;
    for (auto& layer : architecture.layers) network.add(std::move(layer));
    // Before anything is allocated for it: the file has the values of this network.
    const std::vector<Value> values = values_of(network, architecture.input);
    const std::vector<const Tensor*> tensors = match(path, values, architecture.dtype, file.tensors);
    network.build(architecture.input, 0, architecture.dtype);
    if (const std::string problem =
            misfit(architecture.schema, network.input_shape(), network.output_shape());
        !problem.empty())
      throw FormatError(path, "metadata '" + metadata_key + "'", problem);
    network.schema() = std::move(architecture.schema);
    for (size_t i = 0; i < values.size(); ++i)
      network.store().set(values[i].name, values[i].transposed ? transposed(*tensors[i]) : *tensors[i]);
    network.require_fitted();
    return network;
  } catch (const ShapeError& error) {
    throw FormatError(path, "architecture", error.what());
  } catch (const ArgumentError& error) {
    throw FormatError(path, "architecture", error.what());
  }
}

}  // namespace plexus

#include "plexus/trainer/architecture.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "plexus/core/cpu.h"
#include "plexus/core/error.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/dropout.h"
#include "plexus/layers/flatten.h"
#include "plexus/layers/impute.h"
#include "plexus/layers/minmax.h"
#include "plexus/layers/one_hot.h"
#include "plexus/layers/standardize.h"
#include "plexus/trainer/fields.h"
#include "plexus/trainer/model_file.h"
#include "plexus/trainer/names.h"

namespace plexus {
namespace {

// The deepest networks that were published have about a thousand. Adding and naming layers takes time in the
// square of their number: this many take milliseconds.
constexpr size_t most_layers = 4096;

/// A layer's name in files, what it writes (false: the layer is another) and how it is read.
struct LayerKind {
  const char* name;
  std::function<bool(const Layer&, Json&)> write;
  std::function<std::unique_ptr<Layer>(Fields&)> read;
};

template <class L>
LayerKind plain(const char* name) {
  return {name, [](const Layer& layer, Json&) { return dynamic_cast<const L*>(&layer) != nullptr; },
          [](Fields&) { return std::make_unique<L>(); }};
}

// Activations are told apart by their kind: clone() gives the common base.
template <class L>
LayerKind activation(const char* name, Activation kind) {
  return {name,
          [kind](const Layer& layer, Json&) {
            const auto* activation = dynamic_cast<const ActivationLayer*>(&layer);
            return activation && activation->kind() == kind;
          },
          [](Fields&) { return std::make_unique<L>(); }};
}

template <class L>
LayerKind activation_with_alpha(const char* name, Activation kind) {
  return {name,
          [kind](const Layer& layer, Json& json) {
            const auto* activation = dynamic_cast<const ActivationLayer*>(&layer);
            if (!activation || activation->kind() != kind) return false;
            json["alpha"] = activation->alpha();
            return true;
          },
          [](Fields& fields) { return std::make_unique<L>(fields.number("alpha")); }};
}

LayerKind gelu(const char* name, Activation kind) {
  LayerKind result = activation<Gelu>(name, kind);
  result.read = [kind](Fields&) {
    return std::make_unique<Gelu>(GeluOptions{.tanh = kind == Activation::gelu_tanh});
  };
  return result;
}

bool write_dense(const Layer& layer, Json& json) {
  const auto* dense = dynamic_cast<const Dense*>(&layer);
  if (!dense) return false;
  json["units"] = dense->units();
  json["bias"] = dense->options().bias;
  return true;
}

std::unique_ptr<Layer> read_dense(Fields& fields) {
  const int64_t units = fields.integer("units");
  return std::make_unique<Dense>(units, DenseOptions{.bias = fields.boolean("bias")});
}

bool write_dropout(const Layer& layer, Json& json) {
  const auto* dropout = dynamic_cast<const Dropout*>(&layer);
  if (!dropout) return false;
  json["rate"] = dropout->rate();
  return true;
}

bool write_one_hot(const Layer& layer, Json& json) {
  const auto* one_hot = dynamic_cast<const OneHot*>(&layer);
  if (!one_hot) return false;
  json["categories"] = one_hot->categories();
  return true;
}

std::unique_ptr<Layer> read_one_hot(Fields& fields) {
  Categories categories;
  for (const Json& column : fields.array("categories"))
    categories.push_back(fields.texts("categories", column));
  return std::make_unique<OneHot>(std::move(categories));
}

// A layer that is to be saved has a row here.
const std::vector<LayerKind>& layer_kinds() {
  static const std::vector<LayerKind> kinds = {
      {"OneHot", write_one_hot, read_one_hot},
      plain<Impute>("Impute"),
      plain<Standardize>("Standardize"),
      plain<MinMax>("MinMax"),
      plain<Flatten>("Flatten"),
      {"Dense", write_dense, read_dense},
      {"Dropout", write_dropout,
       [](Fields& fields) { return std::make_unique<Dropout>(fields.number("rate")); }},
      activation<Relu>("Relu", Activation::relu),
      activation_with_alpha<LeakyRelu>("LeakyRelu", Activation::leaky_relu),
      activation_with_alpha<Elu>("Elu", Activation::elu),
      activation<Selu>("Selu", Activation::selu),
      gelu("Gelu", Activation::gelu),
      gelu("GeluTanh", Activation::gelu_tanh),
      activation<Silu>("Silu", Activation::silu),
      activation<Sigmoid>("Sigmoid", Activation::sigmoid),
      activation<Tanh>("Tanh", Activation::tanh),
      activation<Softplus>("Softplus", Activation::softplus),
      activation<Softmax>("Softmax", Activation::softmax),
      activation<LogSoftmax>("LogSoftmax", Activation::log_softmax),
  };
  return kinds;
}

Json layer_json(const Layer& layer) {
  for (const LayerKind& kind : layer_kinds()) {
    Json json = {{"layer", kind.name}};
    if (!kind.write(layer, json)) continue;
    if (layer.frozen) json["frozen"] = true;
    return json;
  }
  throw ArgumentError("save: " + layer.name() + ": model files have no name for this layer");
}

std::unique_ptr<Layer> read_layer(const std::string& file, size_t number, const Json& json) {
  Fields fields(file, "architecture: layer " + std::to_string(number), json);
  const std::string name = fields.text("layer");
  const auto& kinds = layer_kinds();
  const auto kind =
      std::find_if(kinds.begin(), kinds.end(), [&](const LayerKind& k) { return name == k.name; });
  if (kind == kinds.end()) fields.refuse(in_quotes(name) + " is no layer that this version knows");
  std::unique_ptr<Layer> layer;
  try {
    layer = kind->read(fields);
  } catch (const ArgumentError& error) {
    fields.refuse(error.what());
  }
  layer->frozen = fields.boolean("frozen", false);
  fields.finish();
  return layer;
}

void check_version(const std::string& file, Fields& fields) {
  const int64_t version = fields.integer("format_version");
  const std::string writer = fields.text("library_version");
  if (version < 1) fields.refuse("format version " + std::to_string(version) + ": expected 1 or more");
  if (version > model_format_version)
    throw FormatError(file, "",
                      "format version " + std::to_string(version) + ", written by Plexus " + in_quotes(writer) +
                          "; Plexus " + plexus::version() + " reads up to version " +
                          std::to_string(model_format_version) + ": update Plexus");
}

}  // namespace

std::string to_json(const Sequential& network) {
  Json layers = Json::array();
  for (size_t i = 0; i < network.size(); ++i) layers.push_back(layer_json(network[i]));
  const Schema& schema = network.schema();
  const auto sizes = network.input_shape().sizes();
  const Json json = {{"format_version", model_format_version},
                     {"library_version", version()},
                     {"dtype", to_string(network.dtype())},
                     {"input", std::vector<int64_t>(sizes.begin(), sizes.end())},
                     {"architecture", std::move(layers)},
                     {"columns", schema.columns},
                     {"classes", schema.classes},
                     {"targets", schema.targets}};
  try {
    return json.dump();
  } catch (const Json::type_error&) {
    throw DataError("save: a name of a column, a class or a category is not UTF-8: save the table as UTF-8");
  }
}

Architecture parse_architecture(const std::string& file, std::string_view text) {
  const std::string place = "metadata 'plexus'";
  const Json json = parse_json(file, place, text);
  Fields fields(file, place, json);
  check_version(file, fields);
  Architecture result;
  const std::string dtype = fields.text("dtype");
  if (dtype != "f32" && dtype != "f64") fields.refuse("type " + in_quotes(dtype) + ": expected f32 or f64");
  result.dtype = dtype == "f32" ? DType::f32 : DType::f64;
  std::vector<int64_t> sizes;
  for (const Json& size : fields.array("input")) sizes.push_back(fields.integer("input", size));
  try {
    result.input = Shape(std::span<const int64_t>(sizes));
  } catch (const ShapeError& error) {
    fields.refuse("'input': " + std::string(error.what()));
  }
  const Json& layers = fields.array("architecture");
  if (layers.size() > most_layers)
    fields.refuse(std::to_string(layers.size()) + " layers: at most " + std::to_string(most_layers) +
                  " expected");
  for (const Json& layer : layers) result.layers.push_back(read_layer(file, result.layers.size(), layer));
  result.schema.columns = fields.texts("columns");
  result.schema.classes = fields.texts("classes");
  result.schema.targets = fields.texts("targets");
  fields.finish();
  return result;
}

std::string misfit(const Schema& schema, const Shape& input, const Shape& output) {
  const auto wrong = [](const std::vector<std::string>& names, int64_t count) {
    return !names.empty() && static_cast<int64_t>(names.size()) != count;
  };
  if (wrong(schema.columns, input.elements()))
    return std::to_string(schema.columns.size()) + " column names for rows of " + to_string(input);
  if (wrong(schema.classes, output.elements()))
    return std::to_string(schema.classes.size()) + " class names for outputs of " + to_string(output);
  if (wrong(schema.targets, schema.classes.empty() ? output.elements() : 1))
    return std::to_string(schema.targets.size()) + " target names for outputs of " + to_string(output) +
           (schema.classes.empty() ? "" : ", which are classes of one target");
  return "";
}

}  // namespace plexus

#include "plexus/trainer/architecture.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>

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
#include "plexus/trainer/model_file.h"
#include "plexus/trainer/names.h"

namespace plexus {
namespace {

// The deepest networks that were published have about a thousand. Adding and naming layers takes time in the
// square of their number: this many take milliseconds.
constexpr size_t most_layers = 4096;

using Json =
    nlohmann::ordered_json;  // keys in the order in which they are written: the same network, the same bytes

/// A JSON object whose keys are all asked for, once, with the type that is expected. `place` is for messages.
class Fields {
 public:
  Fields(const std::string& file, std::string place, const Json& json)
      : file_(file), place_(std::move(place)), json_(json) {
    if (!json.is_object()) refuse("expected an object");
  }

  [[noreturn]] void refuse(const std::string& problem) const { throw FormatError(file_, place_, problem); }

  const Json& get(const char* key) {
    const auto found = json_.find(key);
    if (found == json_.end()) refuse("'" + std::string(key) + "' is missing");
    asked_.insert(key);
    return *found;
  }
  int64_t integer(const char* key) { return integer(key, get(key)); }
  int64_t integer(const char* key, const Json& value) const {
    const bool fits = value.is_number_integer() &&
                      (!value.is_number_unsigned() || value.get<uint64_t>() <= uint64_t(INT64_MAX));
    if (!fits) refuse("'" + std::string(key) + "' is not a whole number of 64 bits");
    return value.get<int64_t>();
  }
  double number(const char* key) {
    const Json& value = get(key);
    if (!value.is_number()) refuse("'" + std::string(key) + "' is not a number");
    return value.get<double>();
  }
  bool boolean(const char* key) {
    const Json& value = get(key);
    if (!value.is_boolean()) refuse("'" + std::string(key) + "' is not true or false");
    return value.get<bool>();
  }
  bool boolean(const char* key, bool absent) { return json_.contains(key) ? boolean(key) : absent; }
  std::string text(const char* key) {
    const Json& value = get(key);
    if (!value.is_string()) refuse("'" + std::string(key) + "' is not text");
    return value.get<std::string>();
  }
  const Json& array(const char* key) {
    const Json& value = get(key);
    if (!value.is_array()) refuse("'" + std::string(key) + "' is not a list");
    return value;
  }
  std::vector<std::string> texts(const char* key) { return texts(key, array(key)); }
  std::vector<std::string> texts(const char* key, const Json& list) const {
    std::vector<std::string> result;
    if (!list.is_array()) refuse("'" + std::string(key) + "' is not a list of texts");
    for (const Json& value : list) {
      if (!value.is_string()) refuse("'" + std::string(key) + "' is not a list of texts");
      result.push_back(value.get<std::string>());
    }
    return result;
  }
  /// Throws where there is a key that nobody asked for.
  void finish() const {
    for (const auto& [key, value] : json_.items())
      if (!asked_.contains(key)) refuse(quoted(key) + " is not known here");
  }

 private:
  const std::string& file_;
  std::string place_;
  const Json& json_;
  std::set<std::string> asked_;
};

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
  if (kind == kinds.end()) fields.refuse(quoted(name) + " is no layer that this version knows");
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

/// Refuses a key that occurs twice in one object, which JSON libraries take in different ways.
Json parse(const std::string& file, std::string_view text) {
  std::vector<std::set<std::string>> keys;
  const auto check = [&](int, Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.back().insert(value.get<std::string>()).second)
      throw FormatError(file, "metadata 'plexus'",
                        "the key " + quoted(value.get<std::string>()) + " is there twice");
    return true;
  };
  try {
    return Json::parse(text, check);
  } catch (const Json::parse_error& error) {
    throw FormatError(file, "metadata 'plexus'",
                      "not JSON, from character " + std::to_string(error.byte) + " on");
  } catch (const Json::out_of_range&) {
    throw FormatError(file, "metadata 'plexus'", "a number is beyond the range of f64");
  }
}

void check_version(const std::string& file, Fields& fields) {
  const int64_t version = fields.integer("format_version");
  const std::string writer = fields.text("library_version");
  if (version < 1) fields.refuse("format version " + std::to_string(version) + ": expected 1 or more");
  if (version > model_format_version)
    throw FormatError(file, "",
                      "format version " + std::to_string(version) + ", written by Plexus " + quoted(writer) +
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
  const Json json = parse(file, text);
  Fields fields(file, "metadata 'plexus'", json);
  check_version(file, fields);
  Architecture result;
  const std::string dtype = fields.text("dtype");
  if (dtype != "f32" && dtype != "f64") fields.refuse("type " + quoted(dtype) + ": expected f32 or f64");
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

#include "plexus/cli/network.h"

#include <charconv>
#include <functional>
#include <map>
#include <optional>

#include "plexus/cli/flags.h"
#include "plexus/cli/suggestion.h"
#include "plexus/core/error.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/dropout.h"
#include "plexus/layers/flatten.h"
#include "plexus/layers/impute.h"
#include "plexus/layers/standardize.h"

namespace plexus::cli {
namespace {

// What may follow the name, behind a colon: "dropout:0.2".
using Setting = std::optional<double>;
using Maker = std::function<std::unique_ptr<Layer>(Setting)>;

template <class L>
std::unique_ptr<Layer> make_plain(Setting setting) {
  if (setting) throw ArgumentError("takes no value");
  return std::make_unique<L>();
}

template <class L>
std::unique_ptr<Layer> make_with(Setting setting) {
  return setting ? std::make_unique<L>(*setting) : std::make_unique<L>();
}

std::unique_ptr<Layer> make_tanh_gelu(Setting setting) {
  if (setting) throw ArgumentError("takes no value");
  return std::make_unique<Gelu>(GeluOptions{.tanh = true});
}

// Softmax is no hidden layer: the loss has one in it.
const std::map<std::string, Maker> makers = {
    {"relu", make_plain<Relu>},         {"leaky_relu", make_with<LeakyRelu>}, {"elu", make_with<Elu>},
    {"selu", make_plain<Selu>},         {"gelu", make_plain<Gelu>},           {"gelu_tanh", make_tanh_gelu},
    {"silu", make_plain<Silu>},         {"sigmoid", make_plain<Sigmoid>},     {"tanh", make_plain<Tanh>},
    {"softplus", make_plain<Softplus>}, {"dropout", make_with<Dropout>},
};

std::vector<std::string> names() {
  std::vector<std::string> result;
  for (const auto& [name, maker] : makers) result.push_back(name);
  return result;
}

template <class T>
std::optional<T> parse(const std::string& text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return value;
}

std::unique_ptr<Layer> parse_layer(const std::string& text) {
  if (const auto units = parse<int64_t>(text)) return std::make_unique<Dense>(*units);
  const size_t colon = text.find(':');
  const std::string name = text.substr(0, colon);
  const auto maker = makers.find(name);
  if (maker == makers.end())
    throw ArgumentError("no such layer" + did_you_mean(name, names()) + "; layers: a number of outputs, " +
                        join(names()));
  Setting setting;
  if (colon != std::string::npos) {
    setting = parse<double>(text.substr(colon + 1));
    if (!setting) throw ArgumentError("expected a number behind the colon");
  }
  return maker->second(setting);
}

}  // namespace

std::vector<std::unique_ptr<Layer>> parse_layers(const std::string& list) {
  std::vector<std::unique_ptr<Layer>> layers;
  if (list.empty()) return layers;
  for (size_t begin = 0, end = 0; end != std::string::npos; begin = end + 1) {
    end = list.find(',', begin);
    const std::string item = list.substr(begin, end == std::string::npos ? end : end - begin);
    try {
      layers.push_back(parse_layer(item));
    } catch (const ArgumentError& error) {
      throw ArgumentError("--layers: layer " + std::to_string(layers.size() + 1) + ", '" + item +
                          "': " + error.what());
    }
  }
  return layers;
}

Sequential make_network(std::vector<std::unique_ptr<Layer>> hidden, const Shape& input, int64_t outputs,
                        uint64_t seed, const Encoding& encoding) {
  Sequential network;
  if (!encoding.categories.empty()) network.add(std::make_unique<OneHot>(encoding.categories));
  if (encoding.impute) network.add(std::make_unique<Impute>());
  network.add(std::make_unique<Standardize>());
  if (input.rank() != 1) network.add(std::make_unique<Flatten>());
  for (auto& layer : hidden) network.add(std::move(layer));
  network.add(std::make_unique<Dense>(outputs));
  network.build(input, seed);
  return network;
}

void add_flags(App& app, NetworkFlags& flags) {
  app.add_option("--layers", flags.layers, "Hidden layers, as in plexus train (default: 128,relu)")
      .type_name("LIST");
  const auto count = [&](const char* name, int64_t& value, const char* text) {
    app.add_option(name, value, text).type_name("N").check(whole_number(1));
  };
  count("--batch", flags.batch, "Rows of a batch (default: 32)");
  count("--input", flags.input, "Features of a row (default: 784)");
  count("--classes", flags.classes, "Outputs of the head (default: 10)");
}

Sequential make_network(const NetworkFlags& flags) {
  return make_network(parse_layers(flags.layers), {flags.input}, flags.classes, 0);
}

std::string layer_names() { return "a number of outputs, " + join(names()) + ""; }

}  // namespace plexus::cli

#include "plexus/trainer/model_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include "plexus/core/error.h"
#include "plexus/io/safetensors.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/dropout.h"
#include "plexus/layers/flatten.h"
#include "plexus/layers/impute.h"
#include "plexus/layers/minmax.h"
#include "plexus/layers/one_hot.h"
#include "plexus/layers/standardize.h"
#include "plexus/trainer/trainer.h"
#include "plexus/version.h"
#include "trainer/example_data.h"
#include "core/message.h"

namespace plexus {
namespace {

namespace fs = std::filesystem;

class ModelFile : public testing::Test {
 protected:
  ModelFile() : directory_(testing::TempDir() + "plexus_model_XXXXXX") {
    if (!mkdtemp(directory_.data())) throw std::runtime_error("mkdtemp");
  }
  ~ModelFile() override { fs::remove_all(directory_); }

  std::string path(const std::string& name = "m.safetensors") const { return directory_ + "/" + name; }

 private:
  std::string directory_;
};

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TrainerOptions quiet(Loss loss = SoftmaxCrossEntropy{}) {
  return {.loss = loss, .optimizer = Adam{}, .backend = "reference", .threads = 1};
}

/// A small trained network and its data.
Sequential trained(const Dataset& data) {
  Sequential network(Standardize(), Dense(5), LeakyRelu(0.03), Dropout(0.1), Dense(3));
  Trainer(network, quiet()).fit(data, {.epochs = 2});
  return network;
}

Tensor predictions(Sequential& network, const Dataset& data) {
  return Trainer(network, quiet()).predict(data);
}

TEST_F(ModelFile, PredictionsHaveTheSameBits) {
  const Dataset data = blobs(40, 4, 3);
  Sequential network = trained(data);
  save(network, path());
  Sequential loaded = load_model(path());
  EXPECT_EQ(predictions(loaded, data), predictions(network, data));
  EXPECT_EQ(loaded.summary(), network.summary());
  EXPECT_EQ(loaded.schema().classes, data.class_names());
  // The optimizer's state stays behind, and the same network gives the same bytes.
  save(loaded, path("again.safetensors"));
  EXPECT_EQ(contents(path("again.safetensors")), contents(path()));
}

TEST_F(ModelFile, NamesAndShapesAreThoseOfTorchSequential) {
  const Dataset data = blobs(40, 4, 3);
  Sequential network = trained(data);
  save(network, path());
  const Safetensors file = load_safetensors(path());
  std::vector<std::string> found;
  for (const NamedTensor& t : file.tensors) found.push_back(t.name + " " + to_string(t.tensor.shape()));
  std::sort(found.begin(), found.end());
  EXPECT_EQ(found, (std::vector<std::string>{"0.bias [5]", "0.weight [5, 4]", "3.bias [3]", "3.weight [3, 5]",
                                             "input.mean [4]", "input.scale [4]"}));
  const Tensor stored = network.store().get("0.weight"), *filed = find(file.tensors, "0.weight");
  for (size_t in = 0; in < 4; ++in)
    for (size_t out = 0; out < 5; ++out)
      EXPECT_EQ(filed->values<float>()[out * 4 + in], stored.values<float>()[in * 5 + out]);
}

TEST_F(ModelFile, SquareMatricesAreTransposedToo) {
  Sequential network(Dense(2, {.bias = false}));
  network.build({2});
  network.store().set("0.weight", Tensor::from<float>({1, 2, 3, 4}, {2, 2}));
  save(network, path());
  EXPECT_EQ(*find(load_safetensors(path()).tensors, "0.weight"), Tensor::from<float>({1, 3, 2, 4}, {2, 2}));
  EXPECT_EQ(load_model(path()).store().get("0.weight"), network.store().get("0.weight"));
}

// Every layer there is, with settings that are not the defaults.
TEST_F(ModelFile, EveryLayerComesBack) {
  for (const DType dtype : {DType::f32, DType::f64}) {
    Sequential network(OneHot({{}, {"a", "b\"\n\xc3\xa4"}, {}}), Impute(), Standardize(), MinMax(), Flatten(),
                       Relu(), LeakyRelu(0.1 + 0.2), Elu(0.3), Selu(), Gelu(), Gelu({.tanh = true}), Silu(),
                       Sigmoid(), Tanh(), Softplus(), Dropout(1.0 / 3), Dense(3, {.bias = false}), Softmax(),
                       LogSoftmax(), Dense(2));
    network.build({3}, 7, dtype);
    network[16].frozen = true;
    const std::vector<double> rows{1, 0, 5, 2, 1, NAN, 4, -1, 6};
    network.fit_preprocessing({3, {3}, [&](int64_t row, std::span<double> out) {
                                 std::copy_n(rows.begin() + row * 3, 3, out.begin());
                               }});
    network.schema() = {{"x", "colour", "z"}, {"no", "yes"}, {"label"}};
    save(network, path());
    Sequential loaded = load_model(path());
    EXPECT_EQ(loaded.summary(), network.summary());
    EXPECT_EQ(loaded.dtype(), dtype);
    EXPECT_TRUE(loaded[16].frozen);
    EXPECT_FALSE(loaded[19].frozen);
    EXPECT_EQ(dynamic_cast<const ActivationLayer&>(loaded[6]).alpha(), 0.1 + 0.2);
    EXPECT_EQ(dynamic_cast<const OneHot&>(loaded[0]).categories(),
              (Categories{{}, {"a", "b\"\n\xc3\xa4"}, {}}));
    EXPECT_EQ(loaded.schema().columns, network.schema().columns);
    EXPECT_EQ(loaded.schema().targets, network.schema().targets);
    const Tensor raw = Tensor::from<double>(std::span<const double>(rows), {3, 3});
    EXPECT_EQ(Trainer(loaded, quiet()).predict(raw), Trainer(network, quiet()).predict(raw));
    for (const auto& [name, entry] : loaded.store().entries())
      EXPECT_EQ(loaded.store().get(name), network.store().get(name)) << name;
  }
}

TEST_F(ModelFile, LoadedNetworksAreTrainedOn) {
  const Dataset data = blobs(40, 4, 3);
  Sequential network = trained(data);
  save(network, path());
  Sequential loaded = load_model(path());
  Trainer a(network, quiet()), b(loaded, quiet());
  a.fit(data, {.epochs = 2, .seed = 3});
  b.fit(data, {.epochs = 2, .seed = 3});
  EXPECT_EQ(a.predict(data), b.predict(data));
}

TEST_F(ModelFile, ClassesOfTheDataAreCompared) {
  const Dataset data = blobs(40, 4, 3);
  Sequential network = trained(data);
  save(network, path());
  Sequential loaded = load_model(path());
  EXPECT_EQ(
      message<DataError>([&] {
        Trainer(loaded, quiet())
            .evaluate(Dataset::classification(Tensor(DType::f32, {1, 4}), Tensor::from<int32_t>({0}, {1}),
                                              {"x", "y", "z"}));
      }),
      "data: its classes are not those of the training data: number both alike (TableOptions::class_names)");
}

class OwnLayer : public Layer {
 public:
  std::string name() const override { return "OwnLayer()"; }
  std::unique_ptr<Layer> clone() const override { return std::make_unique<OwnLayer>(*this); }
  Shape output_shape(const Shape& input) const override { return input; }
  BufferId forward(Lowering&, BufferId x) const override { return x; }
  BufferId backward(Lowering&, BufferId dy, bool) const override { return dy; }
};

TEST_F(ModelFile, RefusesToSaveWhatWouldNotLoad) {
  const auto refuses = [&]<class E>(Sequential network, E*) {
    return message<E>([&] { save(network, path()); });
  };
  ArgumentError* const argument = nullptr;
  DataError* const data = nullptr;
  const auto built = [](auto... layers) {
    Sequential network(std::move(layers)...);
    network.build({2});
    return network;
  };
  EXPECT_EQ(refuses(Sequential(Dense(2)), argument), "save: the network is not built: fit it first");
  EXPECT_EQ(refuses(built(Standardize(), Dense(2)), argument),
            "input Standardize(): not fitted to any data yet: fit the network, or load one that was");
  EXPECT_EQ(refuses(built(OwnLayer(), Dense(2)), argument),
            "save: OwnLayer(): model files have no name for this layer");
  Sequential network = built(Dense(2));
  network.schema().classes = {"a", "b", "c"};
  EXPECT_EQ(refuses(std::move(network), argument),
            "save: 3 class names for outputs of [2]: correct the network's schema");
  network = built(Dense(2));
  network.schema().columns = {"a"};
  EXPECT_EQ(refuses(std::move(network), argument),
            "save: 1 column names for rows of [2]: correct the network's schema");
  network = built(Dense(2));
  network.schema().columns = {"a", "caf\xe9"};
  EXPECT_EQ(refuses(std::move(network), data),
            "save: a name of a column, a class or a category is not UTF-8: save the table as UTF-8");
  network = built(Dense(2));
  network.store().set("0.bias", Tensor::from<float>({1, std::numeric_limits<float>::infinity()}, {2}));
  EXPECT_EQ(refuses(std::move(network), data),
            "save: 0.bias holds infinity: train again, with a lower learning rate");
  EXPECT_FALSE(fs::exists(path()));
  EXPECT_THROW(save(built(Dense(1)), path("none/m.safetensors")), IoError);
}

/// A model of two inputs and one output, its parts to be damaged.
class DamagedModel : public ModelFile {
 protected:
  DamagedModel() {
    Sequential network(Standardize(), Dense(1));
    network.build({2});
    network.store().set("input.scale", Tensor::from<float>({1, 2}, {2}));
    save(network, path());
    whole = load_safetensors(path());
  }
  /// What load_model says to the file, without its path.
  std::string refusal(const Safetensors& file) {
    save_safetensors(path(), file);
    const std::string text = message<FormatError>([&] { load_model(path()); });
    return text.starts_with(path() + ": ") ? text.substr(path().size() + 2) : text;
  }
  /// With `from` in the metadata replaced.
  std::string with(const std::string& from, const std::string& to) {
    Safetensors file = whole;
    std::string& json = file.metadata["plexus"];
    const size_t at = json.find(from);
    EXPECT_NE(at, std::string::npos) << from << " in " << json;
    json.replace(at, from.size(), to);
    return refusal(file);
  }
  std::string with_layer(const std::string& layer) { return with("{\"layer\":\"Standardize\"}", layer); }
  Safetensors whole;
};

TEST_F(DamagedModel, SaysWhatTheMetadataHold) {
  EXPECT_EQ(
      whole.metadata["plexus"],
      "{\"format_version\":1,\"library_version\":\"" PLEXUS_VERSION
      "\",\"dtype\":\"f32\",\"input\":[2],\"architecture\":[{\"layer\":\"Standardize\"},{\"layer\":\"Dense\","
      "\"units\":1,\"bias\":true}],\"columns\":[],\"classes\":[],\"targets\":[]}");
  EXPECT_EQ(whole.metadata.size(), 1u);
  save_safetensors(path(), whole);
  EXPECT_NO_THROW(load_model(path()));
}

TEST_F(DamagedModel, NewerVersionIsRefusedByName) {
  EXPECT_EQ(with("\"format_version\":1,\"library_version\":\"" PLEXUS_VERSION "\"",
                 "\"format_version\":2,\"library_version\":\"7.5\",\"news\":{}"),
            "format version 2, written by Plexus '7.5'; Plexus " PLEXUS_VERSION
            " reads up to version 1: update Plexus");
  EXPECT_EQ(with("\"format_version\":1", "\"format_version\":0"),
            "metadata 'plexus': format version 0: expected 1 or more");
  EXPECT_EQ(with("\"format_version\":1", "\"format_version\":1.0"),
            "metadata 'plexus': 'format_version' is not a whole number of 64 bits");
}

TEST_F(DamagedModel, Tensors) {
  Safetensors file = whole;
  std::erase_if(file.tensors, [](const auto& t) { return t.name == "input.mean"; });
  EXPECT_EQ(refusal(file), "tensor 'input.mean': missing: the architecture needs it");
  file = whole;
  file.tensors.push_back({"1.weight", Tensor(DType::f32, {1})});
  EXPECT_EQ(refusal(file), "tensor '1.weight': the architecture has no place for it");
  const auto replaced = [&](const std::string& name, Tensor tensor) {
    Safetensors changed = whole;
    for (NamedTensor& t : changed.tensors)
      if (t.name == name) t.tensor = tensor;
    return refusal(changed);
  };
  EXPECT_EQ(replaced("0.weight", Tensor(DType::f32, {2, 1})),
            "tensor '0.weight': expected f32 [1, 2], found f32 [2, 1]");
  EXPECT_EQ(replaced("0.bias", Tensor(DType::f64, {1})), "tensor '0.bias': expected f32 [1], found f64 [1]");
  EXPECT_EQ(replaced("0.bias", Tensor::from<float>({NAN}, {1})),
            "tensor '0.bias': holds NaN: predictions would be worthless");
  EXPECT_EQ(replaced("input.scale", Tensor::from<float>({INFINITY, 1}, {2})),
            "tensor 'input.scale': holds infinity: predictions would be worthless");
}

TEST_F(DamagedModel, Metadata) {
  Safetensors file = whole;
  file.metadata.clear();
  EXPECT_EQ(refusal(file),
            "no model: tensors without the metadata 'plexus', which says of what network they are");
  file.metadata["plexus"] = "[]";
  EXPECT_EQ(refusal(file), "metadata 'plexus': expected an object");
  file.metadata["plexus"] = "";
  EXPECT_EQ(refusal(file), "metadata 'plexus': not JSON, from character 1 on");
  file.metadata["plexus"] = std::string(100000, '[');
  EXPECT_EQ(refusal(file), "metadata 'plexus': not JSON, from character 100001 on");
  EXPECT_EQ(with("\"format_version\":1", "\"format_version\":1e999"),
            "metadata 'plexus': a number is beyond the range of f64");
  EXPECT_EQ(with("\"dtype\":\"f32\",", ""), "metadata 'plexus': 'dtype' is missing");
  EXPECT_EQ(with("\"dtype\":\"f32\"", "\"dtype\":\"f16\""),
            "metadata 'plexus': type 'f16': expected f32 or f64");
  EXPECT_EQ(with("\"dtype\":\"f32\"", "\"dtype\":\"f32\",\"dtype\":\"f32\""),
            "metadata 'plexus': the key 'dtype' is there twice");
  EXPECT_EQ(with("\"columns\":[]", "\"columns\":[1]"), "metadata 'plexus': 'columns' is not a list of texts");
  EXPECT_EQ(with("\"columns\":[]", "\"columns\":[\"a\"]"),
            "metadata 'plexus': 1 column names for rows of [2]");
  EXPECT_EQ(with("\"classes\":[]", "\"classes\":[\"a\",\"b\"]"),
            "metadata 'plexus': 2 class names for outputs of [1]");
  EXPECT_EQ(with("\"targets\":[]", "\"targets\":[\"a\",\"b\"]"),
            "metadata 'plexus': 2 target names for outputs of [1]");
  EXPECT_EQ(with("\"targets\":[]", "\"targets\":[],\"extra\":1"),
            "metadata 'plexus': 'extra' is not known here");
}

TEST_F(DamagedModel, InputShape) {
  const auto input = [&](const std::string& sizes) { return with("\"input\":[2]", "\"input\":" + sizes); };
  EXPECT_EQ(input("2"), "metadata 'plexus': 'input' is not a list");
  EXPECT_EQ(input("[2.0]"), "metadata 'plexus': 'input' is not a whole number of 64 bits");
  EXPECT_EQ(input("[18446744073709551615]"), "metadata 'plexus': 'input' is not a whole number of 64 bits");
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "metadata 'plexus': 'input': ", input("[-2]"));
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "metadata 'plexus': 'input': ", input("[4294967296,4294967296]"));
  EXPECT_EQ(input("[3]"), "tensor 'input.mean': expected f32 [3], found f32 [2]");
  EXPECT_EQ(input("[4611686018427387904]"),
            "tensor 'input.mean': expected f32 [4611686018427387904], found f32 [2]");
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "architecture: Dense(1): expects rows of rank 1", input("[2,1]"));
}

TEST_F(DamagedModel, Layers) {
  EXPECT_EQ(with_layer("7"), "architecture: layer 0: expected an object");
  EXPECT_EQ(with_layer("{}"), "architecture: layer 0: 'layer' is missing");
  EXPECT_EQ(with_layer("{\"layer\":\"Conv9\"}"),
            "architecture: layer 0: 'Conv9' is no layer that this version knows");
  EXPECT_EQ(with_layer("{\"layer\":\"a\\nb\"}"),
            "architecture: layer 0: 'a\\x0ab' is no layer that this version knows");
  EXPECT_EQ(with_layer("{\"layer\":\"Standardize\",\"a\":1}"),
            "architecture: layer 0: 'a' is not known here");
  EXPECT_EQ(with_layer("{\"layer\":\"Dropout\",\"rate\":2}"),
            "architecture: layer 0: Dropout(2): the rate must lie in [0, 1)");
  EXPECT_EQ(with_layer("{\"layer\":\"Dropout\",\"rate\":\"1\"}"),
            "architecture: layer 0: 'rate' is not a number");
  EXPECT_EQ(with_layer("{\"layer\":\"Dense\",\"units\":0,\"bias\":true}"),
            "architecture: layer 0: Dense(0): needs 1 unit or more");
  EXPECT_EQ(with_layer("{\"layer\":\"OneHot\",\"categories\":[[\"a\",\"a\"],[]]}"),
            "architecture: layer 0: OneHot: column 0 has a category twice");
  EXPECT_EQ(with_layer("{\"layer\":\"OneHot\",\"categories\":[[\"a\"]]}"),
            "architecture: OneHot(1 column): expects rows of 1 columns, got [2]");
  EXPECT_EQ(with_layer("{\"layer\":\"Relu\"},{\"layer\":\"Standardize\"}"),
            "architecture: Standardize(): prepares the data: put it before Relu(), at the front");
  EXPECT_EQ(with("\"units\":1", "\"units\":4611686018427387904").substr(0, 13), "architecture:");
  std::string many;
  for (int i = 0; i < 5000; ++i) many += "{\"layer\":\"Relu\"},";
  EXPECT_EQ(with("{\"layer\":\"Dense\"", many + "{\"layer\":\"Dense\""),
            "metadata 'plexus': 5002 layers: at most 4096 expected");
}

// Whatever single bit is wrong, or wherever the file ends: it is refused, or loads and predicts.
TEST_F(DamagedModel, EveryPrefixAndEverySingleBit) {
  save_safetensors(path(), whole);
  const std::string bytes = contents(path());
  const auto load = [&] {
    try {
      const Sequential network = load_model(path());
      EXPECT_EQ(network.output_shape(), Shape{1});
      return true;
    } catch (const FormatError&) {
      return false;
    }
  };
  // In place: a file that is truncated and written again is flushed to the disk, which takes a hundred times
  // as long.
  size_t loaded = 0;
  for (size_t at = 0; at < bytes.size(); ++at)
    for (int bit = 0; bit < 8; ++bit) {
      std::fstream file(path(), std::ios::binary | std::ios::in | std::ios::out);
      file.seekp(std::streamoff(at)).put(char(bytes[at] ^ (1 << bit))).flush();
      loaded += load();
      file.seekp(std::streamoff(at)).put(bytes[at]);
    }
  EXPECT_TRUE(load());
  for (size_t length = bytes.size(); length-- > 0;) {
    fs::resize_file(path(), length);
    EXPECT_FALSE(load()) << length;
  }
  // The seven floats' bits (values change, exponents of all ones do not load), a few in texts (versions,
  // alpha).
  EXPECT_LT(loaded, 7u * 32 + 64);
}

}  // namespace
}  // namespace plexus

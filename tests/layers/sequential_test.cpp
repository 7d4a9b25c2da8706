#include "plexus/layers/sequential.h"

#include "layers/network.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/dropout.h"
#include "plexus/layers/flatten.h"
#include "plexus/layers/minmax.h"
#include "plexus/layers/standardize.h"

namespace plexus {
namespace {

using namespace plexus::testing;

Sequential network() {
  return Sequential(Standardize(), Flatten(), Dense(12), Relu(), Dropout(0.2), Dense(3));
}

TEST(Sequential, NamesCountEveryLayerButPreprocessing) {
  Sequential net = network();
  net.build({4, 5});
  std::vector<std::string> prefixes, names;
  for (size_t i = 0; i < net.size(); i++) prefixes.push_back(net.prefix(i));
  for (const auto& [name, entry] : net.store().entries()) names.push_back(name);
  EXPECT_EQ(prefixes, (std::vector<std::string>{"input", "0", "1", "2", "3", "4"}));
  EXPECT_EQ(names, (std::vector<std::string>{"1.bias", "1.weight", "4.bias", "4.weight", "input.mean",
                                             "input.scale"}));
  EXPECT_EQ(net.input_shape(), (Shape{4, 5}));
  EXPECT_EQ(net.output_shape(), Shape{3});
  EXPECT_EQ(net.parameter_count(), 20 * 12 + 12 + 12 * 3 + 3);
}

TEST(Sequential, PreprocessingDoesNotChangeTheFirstWeights) {
  Sequential with(Standardize(), MinMax(), Dense(4)), without{Dense(4)};
  with.build({3}, 9);
  without.build({3}, 9);
  EXPECT_EQ(values(with.store(), "0.weight"), values(without.store(), "0.weight"));
}

TEST(Sequential, SummaryIsATable) {
  Sequential net = network();
  EXPECT_EQ(net.summary(),
            "       layer          output  parameters\n"
            "input  Standardize()  ?                ?\n"
            "0      Flatten()      ?                ?\n"
            "1      Dense(12)      ?                ?\n"
            "2      Relu()         ?                ?\n"
            "3      Dropout(0.2)   ?                ?\n"
            "4      Dense(3)       ?                ?\n"
            "not built: shapes follow from the data\n");
  net.build({4, 5});
  net[2].frozen = true;
  EXPECT_EQ(net.summary(),
            "       layer             output  parameters\n"
            "input  Standardize()     [4, 5]           0\n"
            "0      Flatten()         [20]             0\n"
            "1      Dense(12) frozen  [12]           252\n"
            "2      Relu()            [12]             0\n"
            "3      Dropout(0.2)      [12]             0\n"
            "4      Dense(3)          [3]             39\n"
            "total 291 parameters, 252 of them frozen\n");
}

TEST(Sequential, BuildingAgainChangesNothingOrIsAnError) {
  Sequential net{Dense(4)};
  net.build({3}, 1, DType::f64);
  const auto weight = values(net.store(), "0.weight");
  const void* const address = net.store().data("0.weight");
  net.build({3}, 2);
  EXPECT_EQ(values(net.store(), "0.weight"), weight);
  EXPECT_EQ(net.store().data("0.weight"), address);
  EXPECT_EQ(net.dtype(), DType::f64);
  EXPECT_EQ(message<ShapeError>([&] { net.build({4}); }),
            "build: the network takes rows of shape [3] already, not [4]: make another");
}

TEST(Sequential, ShapesThatDoNotFitNameTheLayerAndChangeNothing) {
  Sequential net(Dense(12), Relu(), Dense(10));
  EXPECT_EQ(message<ShapeError>([&] {
              net.build({28, 28});
            }),
            "0 Dense(12): expects rows of rank 1, got [28, 28]: put Flatten() before it");
  EXPECT_FALSE(net.built());
  EXPECT_TRUE(net.store().entries().empty());
  net.build({28});
  EXPECT_EQ(net.output_shape(), Shape{10});
}

TEST(Sequential, RefusesWhatIsNoNetwork) {
  EXPECT_EQ(message<ArgumentError>([] { Sequential().build({3}); }),
            "build: the network has no layers: add some");
  EXPECT_EQ(message<ShapeError>([] { Sequential(Dense(2)).build({0}); }),
            "build: rows of shape [0] hold no values");
  EXPECT_EQ(message<ArgumentError>([] { Sequential(Dense(2)).build({3}, 0, DType::i32); }),
            "build: a network computes in f32 or f64, not in i32");
  EXPECT_EQ(message<ArgumentError>([] { Sequential(Dense(2), Standardize()); }),
            "Standardize(): prepares the data: put it before Dense(2), at the front");
  EXPECT_EQ(message<ArgumentError>([] { Sequential(Dense(2)).input_shape(); }),
            "input_shape: the network is not built: call build with a row's shape");
  Sequential net{Dense(2)};
  net.build({3});
  EXPECT_EQ(message<ArgumentError>([&] { net.add(std::make_unique<Relu>()); }),
            "network: built already: add Relu() before");
  EXPECT_EQ(message<ArgumentError>([] { Sequential().add(nullptr); }), "network: null instead of a layer");
}

TEST(Sequential, CloneHasTheSameValuesAndIsItsOwn) {
  Sequential net = network();
  net.build({4, 5}, 3, DType::f64);
  net.fit_preprocessing(
      {3, {4, 5}, [](int64_t row, std::span<double> out) { randomize(out, uint64_t(row)); }});
  net[2].frozen = true;
  Sequential copy = net.clone();
  EXPECT_EQ(copy.summary(), net.summary());
  EXPECT_EQ(copy.dtype(), DType::f64);
  for (const auto& [name, entry] : net.store().entries())
    EXPECT_TRUE(copy.store().get(name) == entry.data) << name;
  set(copy.store(), "4.bias", std::vector<double>{1, 2, 3});
  EXPECT_EQ(values(net.store(), "4.bias"), (std::vector<double>{0, 0, 0}));
  EXPECT_FALSE(network().clone().built());
}

TEST(Sequential, MovesWithItsStoreInPlace) {  // plans point to it
  Sequential net{Dense(2)};
  net.build({3});
  const Store* const store = &net.store();
  const Sequential moved = std::move(net);
  EXPECT_EQ(&moved.store(), store);
  EXPECT_EQ(moved.parameter_count(), 8);
}

}  // namespace
}  // namespace plexus

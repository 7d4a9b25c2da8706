#include "plexus/layers/dropout.h"

#include <algorithm>
#include <cmath>

#include "layers/network.h"
#include "plexus/layers/dense.h"

namespace plexus {
namespace {

using namespace plexus::testing;

constexpr int64_t mask_rows = 4, columns = 2503;
constexpr double rate = 0.3;

/// Dropout below a sum: with mse against 0, loss = mean of s^2 and dx = 2 s mask / (1 - rate) / mask_rows: the
/// mask of the way down shows in x.gradient, that of the way up in the loss.
class MaskedSum {
 public:
  explicit MaskedSum(const Context& context)
      : net_(Dropout(rate), Dense(1, {.initializer = Constant{1}, .bias = false})) {
    net_.build({columns});
    LoweringOptions options{.part = Part::backward, .batch = mask_rows};
    options.loss = Mse{};
    options.labels = false;
    options.input_gradient = true;
    plan_.emplace(Plan::build(context, net_.store(), net_.lower(options)));
    for (int64_t i = 0; i < mask_rows * columns; i++) plan_->data<float>("x")[i] = 1 + float(i % 7);
  }
  /// True where a value was kept, seen from the gradient.
  std::vector<bool> run(int64_t seed, int64_t pass) {
    net_.store().scalar<int64_t>("seed") = seed;
    net_.store().scalar<int64_t>("pass") = pass;
    plan_->run(mask_rows);
    std::vector<bool> kept;
    for (int64_t i = 0; i < mask_rows * columns; i++) kept.push_back(plan_->data<float>("x.gradient")[i] != 0);
    return kept;
  }
  double loss() { return net_.store().scalar<float>("loss"); }
  float x(size_t i) { return plan_->data<float>("x")[i]; }
  float gradient(size_t i) { return plan_->data<float>("x.gradient")[i]; }

 private:
  Sequential net_;
  std::optional<Plan> plan_;
};

TEST(Dropout, KeepsTheShareAndScalesWhatItKeeps) {
  on_every_backend([](const Context& context) {
    MaskedSum net(context);
    const std::vector<bool> kept = net.run(5, 1);
    const double n = double(kept.size());
    const double share = double(std::count(kept.begin(), kept.end(), true)) / n;
    EXPECT_NEAR(share, 1 - rate, 5 * std::sqrt(rate * (1 - rate) / n));
    // The same mask on the way up and down: the loss and the size of every gradient follow from it.
    double loss = 0;
    for (size_t i = 0; i < mask_rows; i++) {
      double sum = 0;
      for (size_t j = 0; j < columns; j++)
        if (kept[i * columns + j]) sum += net.x(i * columns + j) / (1 - rate);
      loss += sum * sum / mask_rows;
      for (size_t j = 0; j < columns; j++) {
        if (!kept[i * columns + j]) continue;
        ASSERT_NEAR(net.gradient(i * columns + j) / (2 * sum / (1 - rate) / mask_rows), 1, 1e-5);
      }
    }
    EXPECT_NEAR(net.loss() / loss, 1, 1e-5);
  });
}

TEST(Dropout, MaskIsAFunctionOfSeedLayerPassAndPosition) {
  on_every_backend([](const Context& context) {
    MaskedSum net(context);
    const std::vector<bool> first = net.run(5, 1);
    for (size_t i = 0; i < first.size(); i++)
      ASSERT_EQ(first[i], RandomStream(5, Purpose::dropout, 0, 1).uniform(i) >= float(rate)) << i;
    const std::vector<bool> next_pass = net.run(5, 2), other_seed = net.run(6, 1);
    EXPECT_NE(first, next_pass);
    EXPECT_NE(first, other_seed);
    EXPECT_EQ(first, net.run(5, 1));
    // Independent of one another: two masks agree by chance in 1 - 2 rate (1 - rate) of all places.
    double agree = 0;
    for (size_t i = 0; i < first.size(); i++) agree += first[i] == next_pass[i];
    const double chance = 1 - 2 * rate * (1 - rate), n = double(first.size());
    EXPECT_NEAR(agree / n, chance, 5 * std::sqrt(chance * (1 - chance) / n));
  });
}

TEST(Dropout, TwoLayersDropDifferentValues) {
  Sequential net(Dropout(0.5), Dense(4), Dropout(0.5), Dense(2));
  net.build({4});
  std::vector<uint32_t> streams;
  for (const Operation& operation : net.lower({.part = Part::step, .batch = 2}).operations())
    if (const auto* spec = std::get_if<DropoutSpec>(&operation.spec)) streams.push_back(spec->stream);
  EXPECT_EQ(streams,
            (std::vector<uint32_t>{0, 2, 2}));  // up, up, and down the upper; the input needs no gradient
}

TEST(Dropout, IsAbsentWhereNothingIsTrained) {
  Sequential net(Dense(4), Dropout(0.5)), plain{Dense(4)};
  net.build({3});
  plain.build({3});
  EXPECT_EQ(labels(net.lower({.part = Part::forward, .batch = 2})), std::vector<std::string>{"0 Dense"});
  EXPECT_EQ(labels(net.lower({.part = Part::loss, .batch = 2})),
            (std::vector<std::string>{"0 Dense", "loss"}));
  const std::vector<double> x{1, 2, 3, 4, 5, 6};
  on_every_backend(
      [&](const Context& context) { EXPECT_EQ(predict(net, context, x), predict(plain, context, x)); });
  Sequential never(Dense(4), Dropout(0));
  never.build({3});
  for (const std::string& label : labels(never.lower({.part = Part::step, .batch = 2})))
    EXPECT_EQ(label.find("Dropout"), std::string::npos);
}

TEST(Dropout, RefusesRatesThatAreNone) {
  EXPECT_EQ(Dropout().name(), "Dropout(0.5)");
  EXPECT_EQ(message<ArgumentError>([] { Dropout(1); }), "Dropout(1): the rate must lie in [0, 1)");
  EXPECT_EQ(message<ArgumentError>([] { Dropout(-0.1); }), "Dropout(-0.1): the rate must lie in [0, 1)");
  EXPECT_THROW(Dropout(1 - 1e-9), ArgumentError);  // 1 in float
}

}  // namespace
}  // namespace plexus

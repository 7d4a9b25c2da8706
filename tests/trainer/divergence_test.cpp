// What fit says where the loss is no number any more.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "plexus/core/error.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/dropout.h"
#include "plexus/trainer/trainer.h"
#include "trainer/example_data.h"
#include "core/message.h"

namespace plexus {
namespace {

/// y = w x + b with the mean squared error over all rows, in double, from w0 and 0. The step whose loss float
/// cannot hold, and the largest gradient there.
struct Descent {
  int step = 0;
  double gradient = 0;
};
Descent descend(double w, double rate, const std::vector<double>& x, const std::vector<double>& y) {
  double b = 0;
  for (int step = 1;; ++step) {
    double loss = 0, dw = 0, db = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const double error = w * x[i] + b - y[i];
      loss += error * error / double(x.size());
      dw += 2 * error * x[i] / double(x.size());
      db += 2 * error / double(x.size());
    }
    if (loss > std::numeric_limits<float>::max()) return {step, std::max(std::abs(dw), std::abs(db))};
    w -= rate * dw;
    b -= rate * db;
  }
}

TEST(Divergence, NamesStepAndLargestGradient) {
  const Dataset data = Dataset::regression(Tensor::from<float>({3, -1, 2, 5}, {4, 1}),
                                           Tensor::from<float>({1, 0, -1, 2}, {4, 1}));
  for (const float rate : {1.0f, 50.0f, 1e6f}) {
    Sequential network(Dense(1));
    network.build(Shape{1}, 4);
    const double w = network.store().get("0.weight").values<float>()[0];
    const Descent expected = descend(w, double(rate), {3, -1, 2, 5}, {1, 0, -1, 2});
    Trainer trainer(network, {.loss = Mse{}, .optimizer = Sgd{.learning_rate = rate}, .threads = 1});
    const std::string text =
        message<DataError>([&] { trainer.fit(data, {.epochs = 1000, .full_batch = true}); });
    int epoch = 0, step = 0;
    char place[64] = {};
    double learning_rate = 0, gradient = 0;
    ASSERT_EQ(
        std::sscanf(text.c_str(),
                    "fit: epoch %d, step %d: the loss is infinite, learning rate %lf, largest gradient %lf "
                    "(%63[^:]: lower the learning rate, scale the data",
                    &epoch, &step, &learning_rate, &gradient, place),
        5)
        << text;
    EXPECT_EQ(epoch, expected.step);
    EXPECT_EQ(step, 1);
    EXPECT_EQ(learning_rate, double(rate));
    // Printed with six digits, computed in float.
    EXPECT_NEAR(gradient, expected.gradient, 1e-5 * expected.gradient) << text;
    EXPECT_STREQ(place, "0.weight of Dense(1))");
    EXPECT_TRUE(std::isfinite(network.store().get("0.weight").values<float>()[0]));
    EXPECT_FALSE(network.store().contains("0.weight.gradient"));
    EXPECT_NO_THROW(trainer.evaluate(data));
  }
}

TEST(Divergence, NamesTheLayer) {
  for (const size_t frozen : {0, 2}) {
    Sequential network(Dense(4), Dropout(0.25), Dense(1));
    network[frozen].frozen = true;
    Trainer trainer(network,
                    {.loss = Mse{}, .optimizer = Sgd{.learning_rate = 1e3f}, .threads = 1, .accumulate = 2});
    const std::string text =
        message<DataError>([&] { trainer.fit(line(64), {.epochs = 50, .batch_size = 8}); });
    EXPECT_EQ(text.rfind("fit: epoch ", 0), 0u) << text;
    EXPECT_NE(text.find("largest gradient "), std::string::npos) << text;
    EXPECT_NE(text.find(frozen == 0 ? " of Dense(1))" : " of Dense(4))"), std::string::npos) << text;
  }
}

// Without a warning: the loss of the step before was as it should be.
TEST(Divergence, NamesTheGradientWhereTheRateIsAbsurd) {
  Sequential network(Dense(8), Relu(), Dense(3));
  Trainer trainer(network, {.optimizer = Sgd{.learning_rate = 1e30f}, .threads = 1});
  const std::string text = message<DataError>([&] { trainer.fit(blobs(40, 2, 3), {.batch_size = 20}); });
  EXPECT_EQ(text.rfind("fit: epoch 1, step 2: the loss is NaN, learning rate 1e+30, the gradient of ", 0), 0u)
      << text;
  EXPECT_TRUE(std::isfinite(network.store().get("0.weight").values<float>()[0]));
}

TEST(Divergence, NamesWeightsThatAreNoNumbers) {
  Sequential network(Dense(4), Relu(), Dense(3));
  network.build(Shape{2}, 1);
  network.store().set("2.bias", Tensor::from<float>({0, NAN, 0}, {3}));
  Trainer trainer(network, {.threads = 1});
  const std::string text = message<DataError>([&] { trainer.fit(blobs(40, 2, 3)); });
  EXPECT_EQ(text,
            "fit: epoch 1, step 1: the loss is NaN, learning rate 0.01, 2.bias of Dense(3) is not finite: "
            "lower the "
            "learning rate, scale the data, or set clip_norm");
}

}  // namespace
}  // namespace plexus

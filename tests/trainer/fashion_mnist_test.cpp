// Real images: Zalando's Fashion-MNIST, where Debian's package dataset-fashion-mnist is installed.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <numeric>

#include "plexus/backends/registry.h"
#include "plexus/io/idx.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/flatten.h"
#include "plexus/layers/minmax.h"
#include "plexus/trainer/trainer.h"
#include "trainer/sanitized.h"

namespace plexus {
namespace {

const std::string folder = "/usr/share/datasets/fashion-mnist/";

Dataset images(const std::string& part) {
  std::vector<std::string> names;
  for (int c = 0; c < 10; ++c) names.push_back(std::to_string(c));
  return Dataset::classification(load_idx(folder + part + "-images-idx3-ubyte.gz"),
                                 load_idx(folder + part + "-labels-idx1-ubyte.gz"), names);
}

Dataset first(const Dataset& data, int64_t count) {
  std::vector<int64_t> rows(static_cast<size_t>(count));
  std::iota(rows.begin(), rows.end(), 0);
  return data.subset(rows);
}

/// Most memory that this process has held so far, in MB.
double peak_megabytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == "VmHWM:") {
      double kilobytes = 0;
      status >> kilobytes;
      return kilobytes / 1024;
    }
  return 0;
}

TEST(FashionMnist, SubsetIsLearnt) {
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "dataset-fashion-mnist is not installed";
  const Dataset train = first(images("train"), 4000), test = first(images("t10k"), 2000);
  Sequential network(MinMax(), Flatten(), Dense(32), Relu(), Dense(10));
  Trainer trainer(network, {.optimizer = Adam{}});
  const History history = trainer.fit(train, {.epochs = 4, .batch_size = 32, .validation_fraction = 0.1});
  EXPECT_LT(history.epochs.back().train_loss, 0.7 * history.epochs.front().train_loss);
  const Evaluation evaluation = trainer.evaluate(test);
  // A linear classifier on all 60 000 reaches 0.84; these few rows, seen four times, 0.79 on average.
  EXPECT_GT(evaluation.accuracy, 0.75);
  EXPECT_GT(history.epochs.back().validation_accuracy, 0.75);
}

TEST(FashionMnist, EveryBackendHasTheLossCurveOfTheReference) {
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "dataset-fashion-mnist is not installed";
  const Dataset data = first(images("train"), 6000);
  const auto curve = [&](const std::string& backend) {
    Sequential network(MinMax(), Flatten(), Dense(64), Relu(), Dense(10));
    const Context context = make_context({.backend = backend, .threads = 2, .sink = {}});
    Trainer trainer(network, {.optimizer = Sgd{.learning_rate = 0.05f, .momentum = 0.9}}, context);
    return trainer.fit(data, {.epochs = 4, .batch_size = 64, .validation_fraction = 0.1}).epochs;
  };
  const auto expected = curve("reference");
  for (const BackendRow& row : backends()) {
    if (!row.usable || row.name == "reference") continue;
    const auto actual = curve(row.name);
    ASSERT_EQ(actual.size(), expected.size());
    for (size_t i = 0; i < actual.size(); ++i) {
      EXPECT_NEAR(actual[i].train_loss, expected[i].train_loss, 1e-3) << row.name << ", epoch " << i + 1;
      EXPECT_NEAR(actual[i].validation_loss, expected[i].validation_loss, 1e-3) << row.name << ", epoch " << i + 1;
    }
  }
}

TEST(FashionMnist, WholeOfItFitsInLittleMemory) {
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "dataset-fashion-mnist is not installed";
#ifdef PLEXUS_SANITIZED
  GTEST_SKIP() << "sanitizers multiply memory";
#endif
  struct Stop : Callback {
    bool on_step(const Progress& progress) override { return progress.step == 3; }
  } stop;
  Sequential network(MinMax(), Flatten(), Dense(256), Relu(), Dense(128), Relu(), Dense(100), Relu(),
                     Dense(10));
  Trainer trainer(network, {.optimizer = Adam{}});
  trainer.fit(images("train"), {.validation_fraction = 0.1, .callbacks = {&stop}});
  EXPECT_LT(peak_megabytes(), 400);
}

}  // namespace
}  // namespace plexus

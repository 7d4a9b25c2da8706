// Whole training steps: the kernels that run several operations at once against the same operations one by
// one, bit for bit, on random networks; and the same again for other numbers of threads and other instruction
// sets.
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "backends/max_isa.h"
#include "plexus/backends/registry.h"
#include "plexus/core/cpu.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/dropout.h"
#include "plexus/trainer/trainer.h"

namespace plexus {
namespace {

/// A backend that is never offered more than one operation, or the reference beside it.
class OneByOne final : public Backend {
 public:
  OneByOne(Context inner, bool chosen) : inner_(std::move(inner)), chosen_(chosen) {}
  std::string name() const override { return backend().name(); }
  Claim claim(const Run& rest) const override {
    return rest.size() == 0 ? Claim{} : backend().claim(rest.prefix(1));
  }
  std::span<const Layout* const> layouts(const Program& program, BufferId parameter) const override {
    return backend().layouts(program, parameter);
  }

 private:
  const Backend& backend() const { return chosen_ ? inner_.chosen() : inner_.reference(); }
  Context inner_;
  bool chosen_;
};

Context one_by_one(const Context& inner) {
  std::vector<std::unique_ptr<const Backend>> backends;
  backends.push_back(std::make_unique<OneByOne>(inner, true));
  backends.push_back(std::make_unique<OneByOne>(inner, false));
  return Context(std::make_shared<Executor>(1), std::move(backends));
}

/// What a seed stands for: a network, data and a way to train.
struct Training {
  explicit Training(uint64_t seed) : random(seed) {
    inputs = below(4) == 0 ? 1 + below(3) : 1 + below(70);
    rows = 2 + below(90);
    batch = 1 + below(rows);
    outputs = 2 + below(below(3) == 0 ? 60 : 11);
    for (int64_t i = below(4); i > 0; --i) {
      hidden.push_back(1 + below(80));
      activations.push_back(below(11));
      dropouts.push_back(below(3) == 0);
    }
    classify = below(3) > 0;
    options.seed = seed;
    const Loss regressions[] = {Mse{}, Mae{}, Huber{}};
    options.loss = classify ? Loss(SoftmaxCrossEntropy{}) : regressions[below(3)];
    const double decay = below(2) == 0 ? 0 : 0.01, momentum = below(2) == 0 ? 0 : 0.9;
    const Optimizer optimizers[] = {
        Sgd{.momentum = momentum, .nesterov = momentum > 0 && below(2) == 0, .weight_decay = decay},
        Adam{.weight_decay = decay},
        AdamW{},
        RmsProp{.momentum = momentum, .weight_decay = decay},
        Adagrad{.weight_decay = decay},
        Adamax{.weight_decay = decay},
        NAdam{.weight_decay = decay},
        RAdam{.weight_decay = decay},
        Adadelta{.weight_decay = decay}};
    options.optimizer = optimizers[below(9)];
    if (below(4) == 0) options.clip_norm = 1;
    if (below(4) == 0) options.accumulate = 2;
    if (below(4) == 0) options.l1 = 1e-3;
    if (below(4) == 0) options.l2 = 1e-3;
    if (below(4) == 0) options.max_norm = 0.9;
    if (options.clip_norm == 0 && below(4) == 0) options.clip_value = 0.01;
    if (classify && below(4) == 0)
      options.loss = SoftmaxCrossEntropy{.label_smoothing = 0.1,
                                         .class_weights = std::vector<float>(size_t(outputs), 0.75f)};
  }

  int64_t below(int64_t n) { return int64_t(random() % uint64_t(n)); }

  Sequential network() const {
    Sequential net;
    for (size_t i = 0; i < hidden.size(); ++i) {
      net.add(std::make_unique<Dense>(hidden[i]));
      net.add(activation(activations[i]));
      if (dropouts[i]) net.add(std::make_unique<Dropout>(0.3));
    }
    net.add(std::make_unique<Dense>(outputs));
    return net;
  }

  static std::unique_ptr<Layer> activation(int64_t which) {
    switch (which) {
      case 0:
        return std::make_unique<LeakyRelu>();
      case 1:
        return std::make_unique<Elu>();
      case 2:
        return std::make_unique<Selu>();
      case 3:
        return std::make_unique<Gelu>();
      case 4:
        return std::make_unique<Silu>();
      case 5:
        return std::make_unique<Sigmoid>();
      case 6:
        return std::make_unique<Tanh>();
      case 7:
        return std::make_unique<Softplus>();
      case 8:
        return std::make_unique<Softmax>();
      case 9:
        return std::make_unique<LogSoftmax>();
      default:
        return std::make_unique<Relu>();
    }
  }

  Dataset data() const {
    std::mt19937 numbers(uint32_t(options.seed));
    const auto real = [&] { return float(numbers() >> 8) * 0x1p-23f - 1; };
    Tensor features(DType::f32, {rows, inputs});
    for (float& x : features.values<float>()) x = real();
    if (!classify) {
      Tensor targets(DType::f32, {rows, outputs});
      for (float& y : targets.values<float>()) y = real();
      return Dataset::regression(std::move(features), std::move(targets));
    }
    Tensor labels(DType::i32, {rows});
    int32_t next = 0;
    for (int32_t& label : labels.values<int32_t>()) label = next++ % int32_t(outputs);
    std::vector<std::string> names;
    for (int64_t i = 0; i < outputs; ++i) names.push_back(std::to_string(i));
    return Dataset::classification(std::move(features), std::move(labels), names);
  }

  std::string describe() const {
    std::string text =
        std::to_string(rows) + " rows, batch " + std::to_string(batch) + ", " + std::to_string(inputs);
    for (size_t i = 0; i < hidden.size(); ++i)
      text += "-" + std::to_string(hidden[i]) + " (activation " + std::to_string(activations[i]) + ")";
    return text + "-" + std::to_string(outputs) + ", " + to_string(options.optimizer) + ", clip " +
           std::to_string(options.clip_norm) + ", accumulate " + std::to_string(options.accumulate) +
           ", l1 " + std::to_string(options.l1) + ", l2 " + std::to_string(options.l2) + ", max norm " +
           std::to_string(options.max_norm) + ", clip value " + std::to_string(options.clip_value);
  }

  std::mt19937_64 random;
  int64_t inputs, rows, batch, outputs;
  std::vector<int64_t> hidden, activations;
  std::vector<bool> dropouts;
  bool classify;
  TrainerOptions options;
};

/// All that training has left behind, after at least 50 steps.
std::map<std::string, Tensor> trained(const Training& training, const Context& context,
                                      std::string* plan = nullptr) {
  Sequential net = training.network();
  Trainer trainer(net, training.options, context);
  const int64_t steps = (training.rows + training.batch - 1) / training.batch;
  trainer.fit(training.data(), {.epochs = (50 + steps - 1) / steps, .batch_size = training.batch});
  if (plan) *plan = trainer.plan(training.batch);
  std::map<std::string, Tensor> result;
  for (const auto& [name, entry] : net.store().entries()) result.emplace(name, net.store().get(name));
  return result;
}

void expect_same_bits(const std::map<std::string, Tensor>& a, const std::map<std::string, Tensor>& b,
                      const std::string& what) {
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [name, tensor] : a) {
    const Tensor& other = b.at(name);
    ASSERT_EQ(tensor.byte_count(), other.byte_count());
    EXPECT_EQ(std::memcmp(tensor.bytes(), other.bytes(), tensor.byte_count()), 0) << what << ": " << name;
  }
}

using test::has_simd;

Context simd_context(int threads) { return make_context({.backend = "simd", .threads = threads}); }

void train_random_networks(uint64_t first, uint64_t count) {
  if (!has_simd()) GTEST_SKIP() << "simd is not built";
  const Context context = simd_context(1), single = one_by_one(context);
  std::vector<std::pair<std::string, Context>> others;
  for (const int threads : {2, 3, 4, 7})
    others.emplace_back(std::to_string(threads) + " threads", simd_context(threads));
  if (cpu().isa == Isa::avx512) others.emplace_back("avx2", test::simd_context("avx2", 1));
  int fused = 0;
  for (uint64_t seed = first; seed < first + count; ++seed) {
    const Training training(seed);
    SCOPED_TRACE("seed " + std::to_string(seed) + ": " + training.describe());
    std::string plan;
    const auto expected = trained(training, context, &plan);
    fused += plan.find("fused 4") != std::string::npos;
    expect_same_bits(trained(training, single, &plan), expected, "one by one");
    ASSERT_EQ(plan.find("fused"), std::string::npos) << plan;
    for (const auto& [name, other] : others) expect_same_bits(trained(training, other), expected, name);
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GE(fused, int(count) / 3);  // clipping and accumulation leave gradients to be read
}

TEST(FusedSteps, OfRandomNetworksHaveTheBitsOfTheirParts) { train_random_networks(0, 40); }
TEST(FusedStepsLong, OfRandomNetworksHaveTheBitsOfTheirParts) { train_random_networks(1000, 1000); }

// The same steps, each operation beside the reference's: fused or not, packed or not.
TEST(FusedSteps, AgreeWithTheReference) {
  if (!has_simd()) GTEST_SKIP() << "simd is not built";
  const Context context = make_context({.backend = "simd", .threads = 2, .check = Check::reference, .sink = {}});
  for (uint64_t seed = 2000; seed < 2040; ++seed) {
    const Training training(seed);
    SCOPED_TRACE("seed " + std::to_string(seed) + ": " + training.describe());
    EXPECT_NO_THROW(trained(training, context));
  }
}

// Wide enough for threads, and for batches that are worked on in several pieces.
TEST(FusedSteps, OfWideNetworksHaveTheBitsOfTheirParts) {
  if (!has_simd()) GTEST_SKIP() << "simd is not built";
  Training training(1);
  training.hidden = {260, 130}, training.activations = {10, 6},
  training.dropouts = {true, false};
  training.outputs = 10, training.rows = 1500, training.classify = true;
  training.options = {.optimizer = Adam{}, .seed = 1};
  for (const int64_t batch : {1100, 128}) {
    training.batch = batch;
    training.inputs = batch == 128 ? 300 : 256;
    SCOPED_TRACE(training.describe());
    const auto expected = trained(training, one_by_one(simd_context(1)));
    for (const int threads : {1, 2, 3, 7})
      expect_same_bits(trained(training, simd_context(threads)), expected, "threads");
  }
}

}  // namespace
}  // namespace plexus

// Two contexts with different backends and thread counts, in two threads of one process.
#include <cstring>
#include <thread>

#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/trainer/trainer.h"
#include "plugins/plugin_files.h"
#include "trainer/example_data.h"

namespace plexus::plugin_tests {
namespace {

/// The parameters after some epochs, byte after byte.
std::vector<std::byte> trained(const std::string& backend, int threads) {
  Sequential net{Dense(24), Relu(), Dense(3)};
  Trainer trainer(net, {.loss = SoftmaxCrossEntropy{}, .optimizer = Adam{}, .seed = 3},
                  make_context({.backend = backend, .threads = threads, .sink = {}}));
  trainer.fit(blobs(300, 12, 3), {.epochs = 6, .batch_size = 32, .seed = 4});
  std::vector<std::byte> bytes;
  for (const auto& [name, entry] : net.store().entries()) {
    const Tensor value = net.store().get(name);
    bytes.insert(bytes.end(), value.bytes(), value.bytes() + value.byte_count());
  }
  return bytes;
}

TEST(Simultaneous, TheReferenceHasTheBitsOfItsRunAlone) {
  load_backend(example("relu_matmul"));
  const std::vector<std::byte> reference = trained("reference", 1), plugin = trained("relu_matmul", 3);
  ASSERT_GT(reference.size(), 1000u);
  EXPECT_NE(reference, plugin) << "the plugin rounds sums to f32, the reference does not: did it run?";
  for (int round = 0; round < 3; round++) {
    std::vector<std::byte> first, second, third;
    std::thread one([&] { first = trained("reference", 2); });
    std::thread two([&] { second = trained("relu_matmul", 3); });
    std::thread three([&] { third = trained("relu_matmul", 1); });
    one.join(), two.join(), three.join();
    EXPECT_EQ(first, reference);
    EXPECT_EQ(second, plugin);
    EXPECT_EQ(third, plugin);
  }
}

TEST(Simultaneous, NoBackendDisturbsTheReference) {
  load_backend(example("relu_matmul"));
  const std::vector<std::byte> alone = trained("reference", 1);
  int others = 0;
  for (const std::string& name : usable_backends()) {
    if (name == "reference") continue;
    others++;
    std::vector<std::byte> beside;
    std::thread other([&] { trained(name, 4); });
    std::thread reference([&] { beside = trained("reference", 2); });
    other.join(), reference.join();
    EXPECT_EQ(beside, alone) << name;
  }
  EXPECT_GT(others, 0);
}

TEST(Simultaneous, OnePlanMayBeForkedIntoManyThreads) {
  load_backend(zoo("sound"));
  const Plan plan = relu_plan(context("sound"));
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; i++)
    threads.emplace_back([&] {
      Plan own = plan.fork();
      for (int round = 0; round < 200; round++) expect_relu(own);
    });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace plexus::plugin_tests

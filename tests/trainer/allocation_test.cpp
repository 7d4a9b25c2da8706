// A training step allocates nothing: every allocation of the process is counted, on all threads, over whole
// epochs.
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <limits>
#include <new>
#include <set>

#include "plexus/backends/registry.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/dropout.h"
#include "plexus/layers/flatten.h"
#include "plexus/layers/impute.h"
#include "plexus/layers/one_hot.h"
#include "plexus/layers/standardize.h"
#include "plexus/trainer/predictor.h"
#include "plexus/trainer/trainer.h"
#include "trainer/example_data.h"
#include "trainer/sanitized.h"

namespace {
std::atomic<int64_t> allocations{0};
}

#ifndef PLEXUS_SANITIZED  // sanitizers have an allocator of their own
// glibc's own entry points; what the program defines under the public names stands before them, for every
// library.
#pragma GCC visibility push(default)
extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);

void* malloc(size_t bytes) {
  ++allocations;
  return __libc_malloc(bytes);
}
void* calloc(size_t count, size_t bytes) {
  ++allocations;
  return __libc_calloc(count, bytes);
}
void* realloc(void* old, size_t bytes) {
  ++allocations;
  return __libc_realloc(old, bytes);
}
void* memalign(size_t alignment, size_t bytes) {
  ++allocations;
  return __libc_memalign(alignment, bytes);
}
void* aligned_alloc(size_t alignment, size_t bytes) { return memalign(alignment, bytes); }
int posix_memalign(void** result, size_t alignment, size_t bytes) {
  *result = memalign(alignment, bytes);
  return *result ? 0 : ENOMEM;
}
}
#pragma GCC visibility pop

// operator new of libstdc++ calls malloc, and is counted there; the aligned one calls what its version
// prefers.
void* operator new(size_t bytes, std::align_val_t alignment) {
  if (void* p = memalign(size_t(alignment), bytes)) return p;
  throw std::bad_alloc();
}
#endif

namespace plexus {
namespace {

/// Remembers the count at the end of every epoch.
struct Counter : Callback {
  bool on_epoch(const Epoch& epoch) override {
    counts[epoch.epoch] = allocations;
    return false;
  }
  int64_t counts[8] = {};
};

TEST(Allocation, IsCounted) {
#ifdef PLEXUS_SANITIZED
  GTEST_SKIP() << "sanitizers have an allocator of their own";
#endif
  const auto counted = [](auto&& call) {
    const int64_t before = allocations;
    call();
    return allocations - before;
  };
  volatile size_t size = 100;  // unknown to the compiler, which may leave allocations out
  void* volatile kept = nullptr;  // who sees an address escape cannot leave its allocation out
  const auto made_and_freed = [&](void* p) {
    kept = p;
    free(kept);
  };
  EXPECT_EQ(counted([&] { made_and_freed(malloc(size)); }), 1);
  EXPECT_EQ(counted([&] { made_and_freed(calloc(size, 2)); }), 1);
  EXPECT_EQ(counted([&] { made_and_freed(aligned_alloc(64, 64 * size)); }), 1);
  const auto made_and_deleted = [&](auto* p) {
    kept = p;
    delete[] p;
  };
  EXPECT_EQ(counted([&] { made_and_deleted(new char[size]); }), 1);
  struct alignas(64) Line {
    char bytes[64];
  };
  EXPECT_EQ(counted([&] { made_and_deleted(new Line[size]); }), 1);
  EXPECT_EQ(counted([&] {
              void* p = nullptr;
              ASSERT_EQ(posix_memalign(&p, 64, size), 0);
              made_and_freed(realloc(p, 2 * size));
            }),
            2);
}

struct Case {
  std::string name;
  TrainerOptions options;
};

TEST(Allocation, EpochsTwoAndThreeAllocateNothing) {
#ifdef PLEXUS_SANITIZED
  GTEST_SKIP() << "sanitizers have an allocator of their own";
#endif
  const Dataset data = blobs(1000, 96, 4), validation = blobs(300, 96, 4, 2);
  const Case cases[] = {{"sgd", {.optimizer = Sgd{.momentum = 0.9}}},
                        {"adam", {.optimizer = Adam{}}},
                        {"nadam", {.optimizer = NAdam{}}},
                        {"clipped", {.optimizer = Adam{}, .clip_norm = 1}},
                        {"regularized",
                         {.loss = SoftmaxCrossEntropy{.label_smoothing = 0.1, .class_weights = {1, 2, 1, 3}},
                          .l1 = 1e-3,
                          .max_norm = 1}},
                        {"weighted", {.loss = SoftmaxCrossEntropy{.class_weights = {1, 2, 1, 3}}}},
                        {"accumulated", {.optimizer = Sgd{}, .accumulate = 3}},
                        {"scheduled", {.schedule = OneCycle{}, .warmup_steps = 9}},
                        {"averaged", {.optimizer = Sgd{}, .ema_decay = 0.9}}};
  const std::set<std::string> linked = {"reference", default_backend(backends())};
  for (const Case& c : cases)
    for (const std::string& backend : linked)
      for (const int threads : {1, 2}) {
        Sequential network(Standardize(), Dense(64), Relu(), Dropout(0.3), Dense(4));
        TrainerOptions options = c.options;
        options.backend = backend;
        options.threads = threads;
        Trainer trainer(network, options);
        Counter counter;
        trainer.fit(data,
                    {.epochs = 3, .batch_size = 192, .validation = validation, .callbacks = {&counter}});
        const std::string run = backend + ", " + c.name + ", " + std::to_string(threads) + " threads";
        EXPECT_EQ(counter.counts[2] - counter.counts[1], 0) << run << ", epoch 2";
        EXPECT_EQ(counter.counts[3] - counter.counts[2], 0) << run << ", epoch 3";
      }
}

TEST(Allocation, AugmentationAllocatesNothing) {
#ifdef PLEXUS_SANITIZED
  GTEST_SKIP() << "sanitizers have an allocator of their own";
#endif
  const Dataset rows = blobs(400, 96, 4);
  Tensor images(DType::f32, {400, 8, 12});
  for (int64_t row = 0; row < 400; ++row) rows.read_features(row, images.values<float>().data() + row * 96);
  Sequential network(Flatten(), Dense(4));
  Trainer trainer(network, {.threads = 2});
  Counter counter;
  FitOptions options{.epochs = 3, .callbacks = {&counter}};
  options.augmentation = {.flip = true, .crop = 1, .shift = 2};
  trainer.fit(Dataset::classification(std::move(images), rows.targets(), rows.class_names()), options);
  EXPECT_EQ(counter.counts[3] - counter.counts[1], 0);
}

TEST(Allocation, RegressionAllocatesNothing) {
#ifdef PLEXUS_SANITIZED
  GTEST_SKIP() << "sanitizers have an allocator of their own";
#endif
  Sequential network(Dense(1));
  Trainer trainer(network, {.loss = Mse{}, .backend = "reference", .threads = 2});
  Counter counter;
  trainer.fit(line(100), {.epochs = 3, .validation_fraction = 0.2, .callbacks = {&counter}});
  EXPECT_EQ(counter.counts[3] - counter.counts[1], 0);
}

TEST(Allocation, CategoriesAndMissingValuesAllocateNothing) {
#ifdef PLEXUS_SANITIZED
  GTEST_SKIP() << "sanitizers have an allocator of their own";
#endif
  Table table{.file = "t.csv", .columns = {}, .lines = {}};
  std::vector<double> x, y;
  std::vector<std::string> word;
  for (int64_t row = 0; row < 100; ++row) {
    table.lines.push_back(row + 2);
    x.push_back(row % 5 == 0 ? std::numeric_limits<double>::quiet_NaN() : double(row % 11));
    word.push_back(row % 3 == 0 ? "some" : "others");
    y.push_back(double(row % 7) / 2);
  }
  table.columns = {{"x", x}, {"word", word}, {"y", y}};
  const Dataset data = Dataset::from_table(table, {.missing = Missing::keep});
  for (const int threads : {1, 2}) {
    Sequential network(OneHot(), Impute(), Standardize(), Dense(1));
    Trainer trainer(network, {.loss = Mse{}, .backend = "reference", .threads = threads});
    Counter counter;
    trainer.fit(data, {.epochs = 3, .validation_fraction = 0.2, .callbacks = {&counter}});
    EXPECT_EQ(counter.counts[3] - counter.counts[1], 0);
  }
}

TEST(Allocation, PredictorAllocatesNothing) {
#ifdef PLEXUS_SANITIZED
  GTEST_SKIP() << "sanitizers have an allocator of their own";
#endif
  const Dataset data = line(100);
  Sequential network(Dense(8), Relu(), Dense(1));
  Trainer(network, {.loss = Mse{}}).fit(data, {.epochs = 1});
  const Predictor predictor(network, {.batch_size = 16});
  std::vector<float> rows(size_t(100 * predictor.input_columns())), outputs(100);
  const int64_t before = allocations;
  for (const int64_t count : {1, 16, 100}) predictor.predict(rows.data(), count, outputs.data());
  EXPECT_EQ(allocations - before, 0);
}

}  // namespace
}  // namespace plexus

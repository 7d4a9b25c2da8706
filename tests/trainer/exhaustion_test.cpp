// Out of memory at every place: the n-th allocation of a small training fails, for every n. An error comes out, nothing leaks, and the
// same trainer then trains as if nothing had happened. A program of its own: it replaces malloc.
#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <new>
#include <cmath>
#include <memory>
#include <set>

#include "plexus/backends/registry.h"
#include "plexus/core/error.h"
#include "plexus/layers/activation.h"
#include "plexus/layers/dense.h"
#include "plexus/layers/dropout.h"
#include "plexus/layers/standardize.h"
#include "plexus/trainer/trainer.h"
#include "trainer/example_data.h"
#include "trainer/sanitized.h"

namespace {

/// Allocations of this thread until one fails; 0: none does.
thread_local int64_t countdown = 0;
thread_local bool failed = false;
/// Blocks of this thread that are allocated; what other threads do with theirs is not counted.
thread_local int64_t live = 0;

[[maybe_unused]] bool fails() {
  if (countdown == 0 || --countdown > 0) return false;
  failed = true;
  errno = ENOMEM;
  return true;
}

}  // namespace

#ifndef PLEXUS_SANITIZED  // sanitizers have an allocator of their own
#pragma GCC visibility push(default)  // for the libraries, too
extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
void __libc_free(void*);

void* malloc(size_t bytes) {
  if (fails()) return nullptr;
  live++;
  return __libc_malloc(bytes);
}
void* calloc(size_t count, size_t bytes) {
  if (fails()) return nullptr;
  live++;
  return __libc_calloc(count, bytes);
}
void* realloc(void* old, size_t bytes) {
  if (fails()) return nullptr;
  live += !old;
  return __libc_realloc(old, bytes);
}
void* memalign(size_t alignment, size_t bytes) {
  if (fails()) return nullptr;
  live++;
  return __libc_memalign(alignment, bytes);
}
void* aligned_alloc(size_t alignment, size_t bytes) { return memalign(alignment, bytes); }
int posix_memalign(void** result, size_t alignment, size_t bytes) {
  void* p = memalign(alignment, bytes);
  if (!p) return ENOMEM;
  *result = p;
  return 0;
}
void free(void* p) {
  live -= p != nullptr;
  __libc_free(p);
}
}
#pragma GCC visibility pop
#endif

namespace plexus {
namespace {

Sequential network() { return Sequential(Standardize(), Dense(5), Relu(), Dropout(0.2), Dense(3)); }

FitOptions epochs(int64_t count) { return {.epochs = count, .batch_size = 16, .validation_fraction = 0.2}; }

/// What every parameter holds.
std::vector<float> weights(const Sequential& net) {
  std::vector<float> all;
  for (const auto& [name, entry] : net.store().entries())
    if (entry.role == Role::parameter) {
      const Tensor plain = net.store().get(name);
      all.insert(all.end(), plain.values<float>().begin(), plain.values<float>().end());
    }
  return all;
}

TEST(Exhaustion, OfATrainingAtEveryAllocation) {
#ifdef PLEXUS_SANITIZED
  GTEST_SKIP() << "sanitizers have an allocator of their own";
#endif
  const Dataset data = blobs(60, 6, 3);
  const std::set<std::string> linked = {"reference", default_backend(backends())};
  for (const std::string& backend : linked) {
    const TrainerOptions options{.optimizer = Adam{}, .backend = backend, .threads = 1};
    Sequential undisturbed = network();
    Trainer(undisturbed, options).fit(data, epochs(2));
    const std::vector<float> expected = weights(undisturbed);

    int64_t n = 1;
    for (; n < 100000; n++) {
      const int64_t before = live;
      bool thrown = false;
      {
        Sequential net = network();
        failed = false;
        std::unique_ptr<Trainer> trainer;
        countdown = n;
        try {
          trainer = std::make_unique<Trainer>(net, options);
          trainer->fit(data, epochs(2));
        } catch (const std::bad_alloc&) {
          thrown = true;
        } catch (const Error&) {
          thrown = true;
        }
        countdown = 0;
        ASSERT_TRUE(failed || !thrown) << backend << ", allocation " << n << ": an error without a reason";
        if (thrown) {
          // The same objects go on.
          if (!trainer) trainer = std::make_unique<Trainer>(net, options);
          History history = trainer->fit(data, epochs(1));
          ASSERT_EQ(history.epochs.size(), 1u);
          ASSERT_TRUE(std::isfinite(history.epochs[0].train_loss)) << backend << ", allocation " << n;
        } else {  // also where somebody can do without: a sort without its buffer
          ASSERT_EQ(weights(net), expected) << backend << ", allocation " << n;
        }
      }
      ASSERT_EQ(live, before) << backend << ", allocation " << n << ": leaked";
      if (!failed) break;
    }
    EXPECT_GT(n, 100) << backend << ": hardly anything was allocated";
    EXPECT_LT(n, 100000);
  }
}

}  // namespace
}  // namespace plexus

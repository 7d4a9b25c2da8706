// oneDNN as a guest: when it comes, what it leaves alone, and that fused kernels are their parts.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "plexus/backends/onednn/row_counts.h"
#include "plexus/backends/registry.h"
#include "plexus/core/plan.h"
#include "plexus/core/random.h"
#include "plexus/core/tensor.h"

namespace plexus {
namespace {

/// Whether a library whose name has `part` in it is in this process.
bool in_process(const std::string& part) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);)
    if (line.find(part) != std::string::npos) return true;
  return false;
}

int64_t threads_of_process() {
  const auto tasks = std::filesystem::directory_iterator("/proc/self/task");
  return std::distance(begin(tasks), end(tasks));
}

Context context(const std::string& backend, int threads = 1) {
  return make_context({.backend = backend, .threads = threads, .sink = {}});
}

std::vector<float> numbers(int64_t count, uint64_t seed) {
  std::vector<float> result(static_cast<size_t>(count));
  const RandomStream random(seed, Purpose::user);
  for (size_t i = 0; i < result.size(); i++) result[i] = float(random.normal(i));
  return result;
}

/// c of a product of this size, on its own.
std::vector<float> product(const Context& there, const MatmulSpec& spec) {
  const auto kernel = prepare(there.chosen(), spec);
  EXPECT_TRUE(kernel) << spec.to_string();
  const auto a = numbers(spec.m * spec.k, 1), b = numbers(spec.k * spec.n, 2), bias = numbers(spec.n, 3);
  std::vector<float> c(static_cast<size_t>(spec.m * spec.n));
  Tensor workspace(DType::u8, {int64_t(kernel.workspace())});
  kernel.run({a.data(), b.data(), spec.bias ? bias.data() : nullptr, c.data()}, {spec.m, workspace.bytes()});
  return c;
}

TEST(OneDnn, IsNotInTheProcessUntilItIsNamed) {
  if (in_process("libdnnl")) GTEST_SKIP() << "another test of this process has loaded it";
  const MatmulSpec spec{.m = 8, .n = 8, .k = 8};
  backends();
  product(context("reference"), spec);
  EXPECT_FALSE(in_process("libdnnl"));
  EXPECT_FALSE(in_process("libgomp"));
  product(context("onednn"), spec);
  EXPECT_TRUE(in_process("libdnnl"));
  EXPECT_TRUE(in_process("libgomp"));
}

TEST(OneDnn, LeavesTheEnvironmentAsItWas) {
  const char* before = std::getenv("OMP_WAIT_POLICY");
  const std::string value = before ? before : "unset";
  context("onednn");
  const char* after = std::getenv("OMP_WAIT_POLICY");
  EXPECT_EQ(after ? after : "unset", value);
}

TEST(OneDnn, SaysWhoseWaitPolicyItsThreadsFollow) {
  if (in_process("libdnnl")) GTEST_SKIP() << "another test of this process has loaded it";
  ASSERT_EQ(setenv("OMP_WAIT_POLICY", "active", 1), 0);
  context("onednn");
  for (const BackendRow& row : backends())
    if (row.name == "onednn") {
      EXPECT_EQ(row.note, "its OpenMP threads wait as OMP_WAIT_POLICY=active says");
    }
  EXPECT_STREQ(std::getenv("OMP_WAIT_POLICY"), "active");
}

TEST(OneDnn, UsesAnOpenMpThatIsThereAndSaysSo) {
  if (in_process("libgomp")) GTEST_SKIP() << "another test of this process has loaded it";
  ASSERT_TRUE(dlopen("libgomp.so.1", RTLD_NOW | RTLD_LOCAL)) << dlerror();
  context("onednn");
  for (const BackendRow& row : backends())
    if (row.name == "onednn") {
      EXPECT_TRUE(row.note.starts_with("its OpenMP threads wait as those that were there before"))
          << row.note;
    }
}

TEST(OneDnn, LeavesTheCallersThreadCountAlone) {
  const Context there = context("onednn", 2);
  void* runtime = dlopen("libgomp.so.1", RTLD_NOW | RTLD_NOLOAD);
  ASSERT_TRUE(runtime);
  const auto set = reinterpret_cast<void (*)(int)>(dlsym(runtime, "omp_set_num_threads"));
  const auto get = reinterpret_cast<int (*)()>(dlsym(runtime, "omp_get_max_threads"));
  set(7);
  product(there, {.m = 128, .n = 128, .k = 128});
  EXPECT_EQ(get(), 7);
}

TEST(OneDnn, HasAsManyThreadsAsTheContext) {
  if (in_process("libdnnl")) GTEST_SKIP() << "another test of this process has loaded it";
  const MatmulSpec spec{.m = 256, .n = 512, .k = 512};
  std::thread([] {}).join();  // a sanitizer starts one of its own, with the first
  const int64_t before = threads_of_process();
  product(context("onednn", 1), spec);
  EXPECT_EQ(threads_of_process(), before);
  product(context("onednn", 3), spec);
  EXPECT_EQ(threads_of_process(), before + 2);
}

TEST(OneDnn, StaysBelowTheCapOfInstructionSets) {
  if (in_process("libdnnl"))
    GTEST_SKIP() << "oneDNN chooses once, and another test of this process has made it choose";
  if (cpu().isa != Isa::avx512) GTEST_SKIP() << "nothing to cap on this CPU";
  ASSERT_EQ(setenv("PLEXUS_MAX_ISA", "avx2", 1), 0);
  const Context there = context("onednn");
  unsetenv("PLEXUS_MAX_ISA");
  EXPECT_EQ(prepare(there.chosen(), MatmulSpec{.m = 8, .n = 8, .k = 8}).describe().find("avx512"),
            std::string::npos);
  EXPECT_EQ(prepare(there.chosen(), ActivationSpec{.m = 8, .n = 8}).describe(), "jit:avx2");
}

TEST(OneDnn, ManyThreadsRunOneKernelAtOnce) {
  const Context there = context("onednn");
  const MatmulSpec spec{.m = 33, .n = 65, .k = 129, .bias = true};
  const std::vector<float> expected = product(there, spec);
  const auto kernel = prepare(there.chosen(), spec);
  const auto a = numbers(spec.m * spec.k, 1), b = numbers(spec.k * spec.n, 2), bias = numbers(spec.n, 3);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++)
    threads.emplace_back([&] {
      std::vector<float> c(expected.size());
      Tensor workspace(DType::u8, {int64_t(kernel.workspace())});
      for (int i = 0; i < 200; i++) {
        kernel.run({a.data(), b.data(), bias.data(), c.data()}, {spec.m, workspace.bytes()});
        wrong += std::memcmp(c.data(), expected.data(), c.size() * sizeof(float)) != 0;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(OneDnn, FusedOrNotTheBitsAreTheSame) {
  constexpr int64_t m = 37, n = 65, k = 129;
  const Context there = context("onednn", 2);
  int fused = 0;
  for (int i = 0; i < activation_count; i++) {
    const auto kind = Activation(i);
    const MatmulSpec matmul{.m = m, .n = n, .k = k, .bias = true};
    const ActivationSpec activation{.kind = kind, .m = m, .n = n, .alpha = has_alpha(kind) ? 0.5 : 0};
    Program program;
    const auto add = [&](const char* name, Role role, Shape shape, bool batch) {
      return program.add_buffer({.name = name, .role = role, .shape = shape, .batch = batch});
    };
    const BufferId x = add("x", Role::input, {m, k}, true), w = add("w", Role::input, {k, n}, false),
                   bias = add("bias", Role::input, {n}, false), z = add("z", Role::temporary, {m, n}, true),
                   y = add("y", Role::output, {m, n}, true);
    program.add("dense", matmul, {x, w, bias, z});
    program.add("activation", activation, {z, y});
    program.row_counts = {22, m};
    Store store;
    Plan plan = Plan::build(there, store, program);
    if (plan.rows()[0].why != "fused 2") continue;
    fused++;
    std::ranges::copy(numbers(m * k, 1), plan.data<float>("x"));
    std::ranges::copy(numbers(k * n, 2), plan.data<float>("w"));
    std::ranges::copy(numbers(n, 3), plan.data<float>("bias"));
    plan.run(m);

    const std::vector<float> before = product(there, matmul);
    const auto kernel = prepare(there.chosen(), activation);
    ASSERT_TRUE(kernel) << activation.to_string();
    std::vector<float> after(before.size());
    Tensor workspace(DType::u8, {int64_t(kernel.workspace())});
    kernel.run({before.data(), after.data()}, {m, workspace.bytes()});
    EXPECT_EQ(std::memcmp(plan.data("y"), after.data(), after.size() * sizeof(float)), 0)
        << plan.rows()[0].spec;
  }
  EXPECT_GE(fused, 8);  // all that oneDNN has and that are elementwise
}

TEST(RowCounts, CoverEveryNumberOfRowsOnce) {
  const int64_t expected[] = {22, 100};
  const auto counts = onednn::RowCounts::varying(100, expected);
  EXPECT_EQ(counts.sizes(), (std::vector<int64_t>{100, 64, 22, 16, 4, 1}));
  for (int64_t rows = 0; rows <= 100; rows++) {
    int64_t next = 0, pieces = 0;
    counts.for_pieces(rows, [&](size_t size, int64_t first) {
      EXPECT_EQ(first, next);
      next += counts.sizes()[size];
      pieces++;
    });
    EXPECT_EQ(next, rows);
    if (rows == 22 || rows == 100) {
      EXPECT_EQ(pieces, 1);
    }
  }
}

}  // namespace
}  // namespace plexus

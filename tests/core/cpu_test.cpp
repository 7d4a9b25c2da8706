#include "plexus/core/cpu.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "core/threads.h"
#include "plexus/version.h"

namespace plexus {
namespace {

std::string cpuinfo() {
  std::ostringstream text;
  text << std::ifstream("/proc/cpuinfo").rdbuf();
  return text.str();
}

TEST(CpuTest, NameComesFromTheKernel) {
  ASSERT_FALSE(cpu().name.empty());
  if (cpuinfo().find("model name") == std::string::npos) GTEST_SKIP() << "this kernel names no model";
  EXPECT_NE(cpuinfo().find(": " + cpu().name + "\n"), std::string::npos) << cpu().name;
}

/// Against the flags that the kernel lists, which leave out what it does not save.
TEST(CpuTest, IsaIsWhatTheKernelLists) {
#if defined(__x86_64__)
  EXPECT_EQ(cpu().architecture, "x86_64");
  const std::string text = cpuinfo();
  const size_t start = text.find("\nflags");
  ASSERT_NE(start, std::string::npos);
  const std::string flags = text.substr(start + 1, text.find('\n', start + 1) - start - 1) + " ";
  const auto all = [&](std::initializer_list<std::string> names) {
    for (const std::string& name : names)
      if (flags.find(" " + name + " ") == std::string::npos) return false;
    return true;
  };
  const bool avx2 = all({"avx2", "fma"}),
             avx512 = avx2 && all({"avx512f", "avx512bw", "avx512dq", "avx512vl"});
  EXPECT_EQ(to_string(cpu().isa), avx512 ? "avx512" : avx2 ? "avx2" : "scalar");
#elif defined(__aarch64__)
  EXPECT_EQ(cpu().architecture, "aarch64");
  EXPECT_EQ(cpu().isa, Isa::neon);
#endif
}

TEST(CpuTest, ReadOnceWithoutThreads) {
  const size_t before = threads_of_this_process();
  const Cpu& first = cpu();
  EXPECT_EQ(&first, &cpu());
  build_description();
  EXPECT_EQ(threads_of_this_process(), before);
}

TEST(CpuTest, IsaNames) {
  EXPECT_EQ(to_string(Isa::scalar), "scalar");
  EXPECT_EQ(to_string(Isa::neon), "neon");
  EXPECT_EQ(to_string(Isa::avx2), "avx2");
  EXPECT_EQ(to_string(Isa::avx512), "avx512");
  EXPECT_EQ(to_string(Isa(9)), "unknown");
  EXPECT_LT(Isa::avx2, Isa::avx512);
}

TEST(VersionTest, NamesThisBuild) {
  EXPECT_EQ(version(), PLEXUS_VERSION);
  const std::string text = build_description();
  EXPECT_TRUE(text.starts_with("Plexus " PLEXUS_VERSION ", ")) << text;
#if defined(__clang__)
  EXPECT_NE(text.find(", clang " + std::to_string(__clang_major__) + "."), std::string::npos) << text;
#else
  EXPECT_NE(text.find(", GCC " + std::to_string(__GNUC__) + "."), std::string::npos) << text;
#endif
  EXPECT_NE(text.find(", oneTBB 20"), std::string::npos) << text;
}

}  // namespace
}  // namespace plexus

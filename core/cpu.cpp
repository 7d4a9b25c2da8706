#include "plexus/core/cpu.h"

#include <sys/utsname.h>
#include <tbb/version.h>

#include <fstream>

#include "plexus/version.h"

namespace plexus {
namespace {

std::string read_name() {
  // x86 has "model name"; some Arm kernels "Model" or "Hardware", others nothing.
  for (const std::string_view key : {"model name", "Model", "Hardware"}) {
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);) {
      const size_t value = line.find_first_not_of(" \t", line.find(':') + 1);
      if (line.starts_with(key) && line.find(':') != std::string::npos && value != std::string::npos)
        return line.substr(value);
    }
  }
  return "unknown";
}

std::string read_architecture() {
#if defined(__x86_64__)
  return "x86_64";
#elif defined(__aarch64__)
  return "aarch64";
#else
  utsname name;
  return uname(&name) == 0 ? name.machine : "unknown";
#endif
}

Isa read_isa() {
#if defined(__x86_64__)
  // The compiler's run time asks the operating system too whether it saves the wide registers.
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return Isa::scalar;
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  return avx512 ? Isa::avx512 : Isa::avx2;
#elif defined(__aarch64__)
  return Isa::neon;  // part of the architecture
#else
  return Isa::scalar;
#endif
}

std::string compiler() {
  const auto version = [](int major, int minor, int patch) {
    return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
  };
#if defined(__clang__)
  return "clang " + version(__clang_major__, __clang_minor__, __clang_patchlevel__);
#else
  return "GCC " + version(__GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#endif
}

}  // namespace

std::string to_string(Isa isa) {
  switch (isa) {
    case Isa::scalar:
      return "scalar";
    case Isa::neon:
      return "neon";
    case Isa::avx2:
      return "avx2";
    case Isa::avx512:
      return "avx512";
  }
  return "unknown";
}

const Cpu& cpu() {
  static const Cpu cpu{.name = read_name(), .architecture = read_architecture(), .isa = read_isa()};
  return cpu;
}

std::string version() { return PLEXUS_VERSION; }

std::string build_description() {
  // The oneTBB that is loaded, which may be newer than the headers of the build.
  return std::string("Plexus ") + PLEXUS_VERSION + ", " + compiler() + ", oneTBB " + TBB_runtime_version();
}

}  // namespace plexus

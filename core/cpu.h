// What this machine is, and what this build is.
#pragma once
#include <string>

#include "plexus/export.h"

namespace plexus {

/// Instruction sets that Plexus has names for, from least to most. On x86: scalar, avx2 (with fma), avx512 (F, BW, DQ, VL);
/// on Arm: scalar, neon.
enum class Isa { scalar, neon, avx2, avx512 };

PLEXUS_EXPORT std::string to_string(Isa isa);

struct PLEXUS_EXPORT Cpu {
  std::string name;          ///< "AMD EPYC", as the kernel tells it; "unknown" where it does not
  std::string architecture;  ///< "x86_64", "aarch64", ...
  Isa isa = Isa::scalar;     ///< the most that CPU and operating system support
};

/// This machine's CPU. Read once; starts no thread.
PLEXUS_EXPORT const Cpu& cpu();

/// "1.0.0"
PLEXUS_EXPORT std::string version();
/// "Plexus 1.0.0, GCC 12.2.0, oneTBB 2021.8"
PLEXUS_EXPORT std::string build_description();

}  // namespace plexus

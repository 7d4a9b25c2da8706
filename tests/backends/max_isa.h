// Contexts of the simd backend, on one instruction set after the other.
#pragma once
#include <cstdlib>
#include <string>
#include <vector>

#include "plexus/backends/registry.h"
#include "plexus/core/cpu.h"

namespace plexus::test {

/// PLEXUS_MAX_ISA, for as long as this lives.
class MaxIsa {
 public:
  explicit MaxIsa(const std::string& isa) {
    if (const char* before = std::getenv(name)) before_ = before;
    setenv(name, isa.c_str(), 1);
  }
  ~MaxIsa() { before_.empty() ? unsetenv(name) : setenv(name, before_.c_str(), 1); }

 private:
  static constexpr const char* name = "PLEXUS_MAX_ISA";
  std::string before_;
};

inline bool has_simd() {
  for (const BackendRow& row : backends())
    if (row.name == "simd") return row.usable;
  return false;
}

/// Those that the simd backend has on this machine; none if it is not there.
inline std::vector<std::string> instruction_sets() {
  if (!has_simd()) return {};
  if (cpu().isa == Isa::avx512) return {"scalar", "avx2", "avx512"};
  if (cpu().isa == Isa::avx2) return {"scalar", "avx2"};
  return {to_string(cpu().isa)};
}

inline Context simd_context(const std::string& isa, int threads) {
  const MaxIsa cap(isa);
  return make_context({.backend = "simd", .threads = threads});
}

}  // namespace plexus::test

// What all kernels of this backend share.
#pragma once
#include <algorithm>
#include <string>

#include "plexus/backends/simd/simd.h"

namespace plexus::simd {

/// A claim of the first operation alone, by the kernel K made of (spec, machine).
template <class K, class S>
Claim claim_one(const S& spec, const Machine& machine) {
  return {1, [spec, &executor = machine.executor, isa = machine.isa] {
            return std::make_unique<const K>(spec, Machine{executor, isa});
          }};
}

/// The true size of a batch dimension whose maximum is `size`.
inline int64_t true_size(int64_t size, bool varies, const Call& call) { return varies && call.rows >= 0 ? call.rows : size; }

/// "avx512", "avx512 8x32"
inline std::string describe(Isa isa, const std::string& detail = "") {
  return to_string(isa) + (detail.empty() ? "" : " " + detail);
}

/// Elements that make one piece of a parallel loop over arrays, given the nanoseconds that one takes on one core. A piece
/// shall take 5 us: a second thread that is awake costs 1 to 2 us, so that shorter loops are over sooner on the caller.
/// Multiples of 16 elements, a cache line: no two threads write to the same one.
constexpr double piece_ns = 5000;
inline int64_t grain(double nanoseconds) { return std::max<int64_t>(16, int64_t(piece_ns / nanoseconds) / 16 * 16); }
/// The same in rows of so many elements.
inline int64_t grain_rows(double nanoseconds, int64_t columns) {
  return std::max<int64_t>(1, int64_t(piece_ns / (nanoseconds * double(std::max<int64_t>(columns, 1)))));
}

}  // namespace plexus::simd

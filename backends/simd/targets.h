// The instruction sets that the vector code is compiled for. Included first by every file that is compiled once for each.
#pragma once
#include "plexus/core/cpu.h"

// Left out: SSE, because machines without AVX2 and FMA would need a test bench of their own for little speed (they run the
// scalar code); the later kinds of AVX-512, because they add nothing to arithmetic in float; SVE, whose vectors have no
// size at compile time, so that tiles cannot be arrays of them (such machines run NEON).
#define HWY_DISABLED_TARGETS                                                                                    \
  (HWY_SSE2 | HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_AVX3_ZEN4 | HWY_AVX3_SPR | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | \
   HWY_SVE2_128)

// Scalar code is scalar code with every compiler: Highway would take vectors of four that it emulates, but not with GCC before
// 12.3, which miscompiles them.
#define HWY_BROKEN_EMU128 1

#include <hwy/detect_targets.h>

// Names of newer Highways.
#ifndef HWY_SSE2
#define HWY_SSE2 0
#endif
#ifndef HWY_AVX3_ZEN4
#define HWY_AVX3_ZEN4 0
#endif
#ifndef HWY_AVX3_SPR
#define HWY_AVX3_SPR 0
#endif

// PLEXUS_SIMD_TABLE(isa, table): `table` out of the namespace that was compiled for an instruction set. The chosen set is a
// property of a context, so Highway's own choice, one for the whole process, is not used.
#if defined(__x86_64__)
#define PLEXUS_SIMD_TABLE(isa, table)                   \
  ((isa) == ::plexus::Isa::avx512 ? &N_AVX3::table      \
   : (isa) == ::plexus::Isa::avx2 ? &N_AVX2::table      \
                                  : &HWY_STATIC_DISPATCH(table))
#else
#define PLEXUS_SIMD_TABLE(isa, table) ((void)(isa), &HWY_STATIC_DISPATCH(table))
#endif

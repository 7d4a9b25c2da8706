// Blocks of matrix products: a table for each instruction set.
#pragma once
#include <cstdint>

#include "plexus/core/cpu.h"

namespace plexus::simd {

/// Columns of a packed panel of b: two vectors of AVX-512, four of AVX2. The same on every machine, so that parameters that
/// are stored as panels lie everywhere alike.
inline constexpr int64_t panel = 32;

/// What the chain of fused multiply-adds of an element of c begins with.
enum class Start : uint8_t { zero, bias, c };

/// What is done with an element of c before it is stored.
enum class Then : uint8_t { nothing, relu, relu_gradient };

/// c[rows, columns] = start + a[rows, depth] b[depth, columns], columns <= panel.
struct MatmulBlock {
  int64_t rows = 0, columns = 0, depth = 0;
  const float* a = nullptr;
  int64_t a_stride = 0;
  bool a_transposed = false;   ///< a is stored [depth, rows]
  bool a_pieces = false;       ///< a transposed: as MatmulTiles::copy_a left it, and a_stride says nothing
  int64_t a_jump = 0;          ///< added to addresses in a, not transposed, after every `panel` columns: 0, or a lies in panels
  const float* b = nullptr;    ///< a panel, or rows of a wider matrix where `columns` are whole vectors
  int64_t b_stride = 0;
  int64_t b_panels = 0;        ///< of multiply_row: from a panel of b to the next; 0: b lies in rows
  int64_t b_jump = 0;          ///< of MatmulNarrow::few_rows: added to addresses in b after every `panel` columns of it
  float* packed = nullptr;     ///< room for a panel [depth, panel]: b is copied there while it is first read; null: b is read in place
  float* c = nullptr;
  int64_t c_stride = 0;
  /// As much of a panel of b, which is multiplied with next: asked for meanwhile. Or null; a not transposed.
  const float* next = nullptr;
  Start start = Start::zero;
  const float* bias = nullptr; ///< [columns]
  Then then = Then::nothing;   ///< where a is not transposed and lies in rows; relu_gradient: where `columns` are whole vectors
  const float* saved = nullptr;  ///< of relu_gradient: what relu left, with rows as far apart as those of c
};

struct MatmulTiles {
  int64_t lanes;         ///< floats in a vector
  int64_t most_rows;     ///< of one tile
  void (*multiply)(const MatmulBlock&);
  /// One row, any number of columns. Nothing behind them is read, but for the padding of a panel.
  void (*multiply_row)(const MatmulBlock&);
  /// A transposed a, in pieces that lie one behind the other: [depth, rows of a tile]. Tiles then read nothing but what they use; of the
  /// lines of [depth, rows] they use a part, and hold more of the first-level cache than they have of it where those lie far apart.
  void (*copy_a)(const float* a, int64_t a_stride, int64_t depth, int64_t rows, float* pieces);
  /// packed[k, j] = b[k, j] for k < depth, j < columns <= panel; zeros for the other j < panel.
  void (*copy)(const float* b, int64_t b_stride, int64_t depth, int64_t columns, float* packed);
  /// packed[k, j] = b[j, k] for k < depth, j < columns <= panel; zeros for the other j < panel.
  void (*transpose)(const float* b, int64_t b_stride, int64_t depth, int64_t columns, float* packed);
  /// to[i, j] = from[j, i] for i < rows, j < columns; from has rows of a panel.
  void (*transpose_back)(const float* from, int64_t rows, int64_t columns, float* to, int64_t to_stride);
};

const MatmulTiles& matmul_tiles(Isa isa);

}  // namespace plexus::simd
